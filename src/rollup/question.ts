import { type RawBuilder, sql } from 'kysely';
import { margin } from './series.ts';
import { type Level, marginsOf, type Shape } from './shapes.ts';

/** What is asked of the records of a kind. */
export interface Question {
  readonly shape: Shape;
  /** Of some dimensions the values that are wanted; null: of records that have none. */
  readonly where: Readonly<Record<string, readonly (string | null)[]>>;
  /** Only of dimensions that meet it too. */
  readonly only?: RawBuilder<boolean>;
  /** Milliseconds since 1970, with fractions. */
  readonly fromMs: number;
  /** Excluded; Infinity: no end. */
  readonly toMs: number;
  /** Dimensions whose values are told apart. */
  readonly by: readonly string[];
  /** What of time is told apart; absent: nothing. */
  readonly period?: Period;
  /** Whether single series answer where rows of many would: they know what is counted apart. */
  readonly bySeries?: boolean;
}

interface Period {
  /** The longest buckets of which each is in one period. */
  readonly coarsest: Level;
  /** The begin of the period that a time is in, or the time itself. */
  readonly of: (time: RawBuilder<unknown>) => RawBuilder<unknown>;
}

/** What the rows are called that a question adds up: those of one dimension or two are few. */
export function marginOf({ shape, where, by, bySeries }: Question): string {
  if (bySeries) return margin.series;
  const used = [...new Set([...Object.keys(where), ...by])];
  const found = marginsOf(shape).find(
    ({ dimensions }) =>
      dimensions.length === used.length && dimensions.every((name) => used.includes(name)),
  );
  return found?.name ?? margin.series;
}

/** On a table or query that has the dimensions as columns. */
export function conditionOf({ where, only }: Question): RawBuilder<boolean> {
  const conditions = Object.entries(where).map(([name, values]) => {
    const texts = values.filter((value) => value !== null);
    const isOne = sql`${sql.ref(name)} = any(${texts}::text[])`;
    return values.includes(null) ? sql`(${isOne} or ${sql.ref(name)} is null)` : isOne;
  });
  return sql<boolean>`(${sql.join([only ?? sql`true`, ...conditions], sql` and `)})`;
}

/** The dimensions that are told apart, as one column. */
export const groupOf = ({ by }: Question): RawBuilder<unknown> =>
  sql`array[${sql.join(by.map((name) => sql.ref(name)))}]::text[]`;
