import { type RawBuilder, sql } from 'kysely';
import type { Shape } from '../../rollup/shapes.ts';
import { sumOfDoubles } from '../../rollup/totals.ts';

/** A number that records add up to. */
export interface Measure {
  readonly name: string;
  /** How numbers of it become one: `double` sums may be huge, `decimal` ones are exact. */
  readonly how: 'count' | 'double' | 'decimal' | 'min' | 'max';
  /** Of one row of the table `source`. */
  readonly ofRow: RawBuilder<unknown>;
  /** The same of a row of rollups, whose bucket is called `period`; absent: the column of its name. */
  readonly ofRollup?: RawBuilder<unknown>;
  /** Whether it is what rollups count apart: null where nobody has counted it. */
  readonly mayBeUnknown?: true;
}

/** A number of which there are quantiles. */
interface Quantified {
  readonly name: string;
  /** Of one row; null where it has none, or one that is not finite. */
  readonly ofRow: RawBuilder<number | null>;
}

/** What is added up of one kind of record. */
export interface Measured {
  readonly measures: readonly Measure[];
  readonly quantified: readonly Quantified[];
}

/** Some of its measures: what is not told is not added up. */
export const withOnly = (
  { measures, quantified }: Measured,
  names: readonly string[],
): Measured => ({
  measures: measures.filter(({ name }) => names.includes(name)),
  quantified,
});

/** What some records add up to, by the names of measures; null where there is nothing. */
export type Sums = Readonly<Record<string, number | null>>;

/** What rollups sum up of one row, by its name. */
export const sumOfRow =
  ({ sums }: Shape) =>
  (name: string): RawBuilder<unknown> => {
    const sum = sums.find((each) => each.name === name);
    if (!sum) throw new Error(`no sum is called ${name}`);
    return sum.type === 'flag' ? sql`coalesce(${sum.of('source')}, false)::int` : sum.of('source');
  };

/** Within what numbers hold exactly; null stays null. */
const exact = (sum: RawBuilder<unknown>): RawBuilder<number | null> => sql`
  least(greatest(${sum}, -9007199254740991), 9007199254740991)::bigint`;

/** A numeric as the nearest double. */
const double = (numeric: RawBuilder<unknown>): RawBuilder<number | null> => sql`
  case when ${numeric} is not null then
    round(least(greatest(${numeric}, -1.79769313486231e308), 1.79769313486231e308), 300)::float8
  end`;

/** What a column of a measure, which may be of rows or of sums, adds up to. */
export function aggregate({ name, how }: Measure): RawBuilder<unknown> {
  const column = sql.ref(name);
  switch (how) {
    case 'count':
      // One operand of least may be null: it would be passed over.
      return sql`case when count(${column}) > 0 then ${exact(sql`sum(${column})`)} end`;
    case 'double':
      return sumOfDoubles(column);
    case 'decimal':
      return double(sql`sum(${column})`);
    case 'min':
      return sql`min(${column})`;
    case 'max':
      return sql`max(${column})`;
  }
}

/** The same without a final form: added up once more, it has to be what all of it adds up to. */
export function partly({ name, how }: Measure): RawBuilder<unknown> {
  const column = sql.ref(name);
  if (how === 'min' || how === 'max') return sql`${sql.raw(how)}(${column})`;
  return how === 'double' ? sumOfDoubles(column) : sql`sum(${column})`;
}

/** Adds numbers of the same measures up, as `aggregate` does. */
export function addSums(measures: readonly Measure[], parts: readonly Sums[]): Sums {
  const sums: Record<string, number | null> = {};
  for (const { name, how } of measures) {
    let sum: number | null = null;
    for (const part of parts) {
      const number = part[name] ?? null;
      if (number !== null) sum = sum === null ? number : both[how](sum, number);
    }
    sums[name] = sum;
  }
  return sums;
}

const sumOf = (a: number, b: number): number => a + b;
const both: Readonly<Record<Measure['how'], (a: number, b: number) => number>> = {
  count: sumOf,
  double: sumOf,
  decimal: sumOf,
  min: Math.min,
  max: Math.max,
};
