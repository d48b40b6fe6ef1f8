import { type RawBuilder, sql } from 'kysely';
import { margin } from './series.ts';
import type { Level, Shape } from './shapes.ts';
import type { Sketch } from './sketch.ts';
import type { Totals } from './totals.ts';

/** What is asked of the records of a kind. */
export interface Question {
  readonly shape: Shape;
  /** Of some dimensions the values that are wanted; null: of records that have none. */
  readonly where: Readonly<Record<string, readonly (string | null)[]>>;
  readonly from: Date;
  /** Excluded; absent: no end. */
  readonly to?: Date;
  /** Dimensions whose values are told apart. */
  readonly by: readonly string[];
  /** What of time is told apart; absent: nothing. */
  readonly period?: Period;
  /** Whether quantiles are wanted too. */
  readonly sketches?: boolean;
}

export interface Period {
  /** The longest buckets of which each is in one period. */
  readonly coarsest: Level;
  /** The begin of the period that a time is in. */
  readonly of: (time: RawBuilder<unknown>) => RawBuilder<unknown>;
}

export const utcDays: Period = {
  coarsest: 'day',
  of: (time) => sql`date_trunc('day', ${time}, 'UTC')`,
};

/** What some records add up to. */
export interface Group extends Totals {
  /** In the order of what was asked for. */
  readonly group: readonly (string | null)[];
  /** Absent where periods are not told apart. */
  readonly period?: Date;
  /** For each of the shape's values how many there are by size; only where they were asked for. */
  readonly sketches?: readonly Sketch[];
}

/** What the rows are called that a question adds up: those of one dimension alone are few. */
export function marginOf({ shape, where, by }: Question): string {
  const used = [...new Set([...Object.keys(where), ...by])];
  if (used.length === 0) return margin.all;
  const [only] = used;
  return used.length === 1 && shape.margins.includes(only as string)
    ? (only as string)
    : margin.series;
}

/** On a table or query that has the dimensions as columns. */
export function conditionOf({ where }: Pick<Question, 'where'>): RawBuilder<boolean> {
  const conditions = Object.entries(where).map(([name, values]) => {
    const texts = values.filter((value) => value !== null);
    const isOne = sql`${sql.ref(name)} = any(${texts}::text[])`;
    return values.includes(null) ? sql`(${isOne} or ${sql.ref(name)} is null)` : isOne;
  });
  return sql<boolean>`(${sql.join([sql`true`, ...conditions], sql` and `)})`;
}

/** The dimensions that are told apart, as one column. */
export const groupOf = ({ by }: Question): RawBuilder<unknown> =>
  sql`array[${sql.join(by.map((name) => sql.ref(name)))}]::text[]`;
