import { type RawBuilder, sql } from 'kysely';
import type { Aggregates } from './aggregates.ts';
import { parseDecimal } from './decimals.ts';
import { type Decimal, sumOf } from './exact-sums.ts';
import type { Columns } from './read-aside.ts';
import {
  finite,
  isExtent,
  levelColumnTypes,
  type MeasureName,
  measureColumns,
  type Shape,
} from './shapes.ts';

/** What the numbers of a column add up to: of finite ones the number, the sum, the least and the greatest. */
export type Measures = Record<MeasureName, number>;

const noMeasures = (): Measures => ({
  n: 0,
  sum: 0,
  min: Infinity,
  max: -Infinity,
  nans: 0,
  positive_infinities: 0,
  negative_infinities: 0,
});

/** What some records add up to, in the order of their shape. */
export interface Totals {
  records: number;
  readonly values: readonly Measures[];
  /** Undefined where no record has any. */
  readonly sums: (Decimal | undefined)[];
}

export const noTotals = (shape: Shape): Totals => ({
  records: 0,
  values: shape.values.map(noMeasures),
  sums: shape.sums.map(() => undefined),
});

export function addTotals(known: Totals, more: Totals): void {
  known.records += more.records;
  for (const [index, value] of known.values.entries()) {
    addMeasures(value, more.values[index] as Measures);
  }
  for (const [index, sum] of more.sums.entries()) {
    const before = known.sums[index];
    if (sum) known.sums[index] = before ? sumOf(before, sum) : sum;
  }
}

function addMeasures(known: Measures, more: Measures): void {
  for (const name of measureColumns) {
    if (name === 'min') known.min = Math.min(known.min, more.min);
    else if (name === 'max') known.max = Math.max(known.max, more.max);
    else known[name] += more[name];
  }
}

/** Those of one place. */
export const totalsAt = (totals: Aggregates, place: number): Totals => ({
  records: totals.records[place] as number,
  values: totals.values.map((value) => value.measuresAt(place)),
  sums: totals.sums.map((_, index) => totals.sumAt(index, place)),
});

/** As `totalColumns` has them. */
export interface TotalsRow {
  readonly records: number;
  readonly numbers: readonly (number | null)[];
  readonly sums: readonly (string | null)[];
}

export function totalsOf({ records, numbers, sums }: TotalsRow): Totals {
  const values: Measures[] = [];
  for (let at = 0; at < numbers.length; at += measureColumns.length) {
    const measures = noMeasures();
    for (const [index, name] of measureColumns.entries()) {
      measures[name] = numbers[at + index] ?? measures[name];
    }
    values.push(measures);
  }
  return {
    records: Number(records),
    values,
    sums: sums.map((sum) => (sum === null ? undefined : parseDecimal(sum))),
  };
}

/** Of what `addedUp` gives. */
export function totalColumns(shape: Shape): RawBuilder<unknown> {
  const numbers = shape.values.flatMap(({ prefix }) =>
    measureColumns.map((name) => sql`${sql.ref(prefix + name)}::float8`),
  );
  const sums = shape.sums.map(({ name }) => sql`${sql.ref(name)}::text`);
  return sql`${sql.ref(shape.count)} as records, array[${sql.join(numbers)}] as numbers,
    array[${sql.join(sums)}] as sums`;
}

/** A sum of doubles, which PostgreSQL would not let leave their range. */
export const sumOfDoubles = (column: RawBuilder<unknown>): RawBuilder<number | null> => {
  const most = sql`sum(${column}) filter (where abs(${column}) <= 1e290)`;
  const huge = sql`sum(${column}::numeric) filter (where abs(${column}) > 1e290)`;
  return sql`case when ${huge} is null then ${most} else least(greatest(
    ${huge} + coalesce(${most}, 0)::numeric, -1.79769313486231e308), 1.79769313486231e308)::float8 end`;
};

/** What rows of levels add up to, each total under the name of its column. */
export function addedUp(shape: Shape): RawBuilder<unknown> {
  const columns = shape.values.flatMap(({ prefix }) =>
    measureColumns.map((name) => {
      const column = sql.ref(prefix + name);
      if (!isExtent(name)) return sql`sum(${column})::bigint as ${column}`;
      const total = name === 'sum' ? sumOfDoubles(column) : sql`${sql.raw(name)}(${column})`;
      // Of values that were all taken away there is none.
      return sql`case when sum(${sql.ref(`${prefix}n`)}) > 0 then ${total} end as ${column}`;
    }),
  );
  const sums = shape.sums.map(({ name }) => sql`sum(${sql.ref(name)}) as ${sql.ref(name)}`);
  return sql`sum(${sql.ref(shape.count)})::bigint as ${sql.ref(shape.count)},
    ${sql.join([...columns, ...sums, ...addedUpApart(shape)])}`;
}

/** Unknown as soon as it is of one of them. */
const addedUpApart = ({ apart }: Shape): RawBuilder<unknown>[] => {
  if (!apart) return [];
  const column = sql.ref(apart.name);
  return [sql`case when count(*) = count(${column}) then sum(${column})::bigint end as ${column}`];
};

/** Whether rows of levels add up to more than nothing: all of it may have been taken away. */
export const isAnything = (shape: Shape): RawBuilder<boolean> => {
  const counts = shape.values.flatMap(({ prefix }) =>
    measureColumns.filter((name) => !isExtent(name)).map((name) => prefix + name),
  );
  const names = [shape.count, ...counts, ...shape.sums.map(({ name }) => name)];
  return sql<boolean>`(${sql.join(
    names.map((name) => sql`sum(${sql.ref(name)}) <> 0`),
    sql` or `,
  )})`;
};

const namesOf = (shape: Shape): string[] => [
  shape.count,
  ...shape.values.flatMap(({ prefix }) => measureColumns.map((name) => prefix + name)),
  ...shape.sums.map(({ name }) => name),
];

const addedNames = (shape: Shape): string[] => [
  ...namesOf(shape),
  ...(shape.apart ? [shape.apart.name] : []),
];

/** The columns of levels, of which `addedUp` is made. */
export const addedColumns = (shape: Shape): RawBuilder<unknown> =>
  sql.join(addedNames(shape).map((name) => sql.ref(name)));

/** Their types. */
export function addedTypes(shape: Shape): Columns {
  const types = levelColumnTypes(shape);
  return Object.fromEntries(addedNames(shape).map((name) => [name, types[name] as string]));
}

/** The same where `is_apart` says of the row's series whether it is counted apart, as `isApart` does. */
export const readColumns = (shape: Shape): RawBuilder<unknown> => {
  const columns = namesOf(shape).map((name) => sql.ref(name));
  if (!shape.apart) return sql.join(columns);
  const [count, apart] = [sql.ref(shape.count), sql.ref(shape.apart.name)];
  return sql`${sql.join(columns)},
    case when is_apart then ${count} when not is_apart then 0 else ${apart} end as ${apart}`;
};

/** The same of a row of the table `source`: what a level would have of it alone. */
export function columnsOfRow(shape: Shape): RawBuilder<unknown> {
  const values = shape.values.map(({ column }) => {
    const value = sql.ref(`source.${column}`);
    const number = finite(value);
    const is = (odd: string) => sql`coalesce(${value} = ${sql.lit(odd)}, false)::int`;
    return sql`num_nonnulls(${number}), ${number}, ${number}, ${number},
      ${is('NaN')}, ${is('Infinity')}, ${is('-Infinity')}`;
  });
  const sums = shape.sums.map(({ type, of, nullable }) => {
    const sum = type === 'flag' ? sql`${of('source')}::int` : of('source');
    return nullable ? sql`${sum}::numeric` : sql`coalesce(${sum}, 0)::numeric`;
  });
  const apart = shape.apart ? [sql`${shape.apart.of('source')}::int`] : [];
  return sql`1, ${sql.join([...values, ...sums, ...apart])}`;
}
