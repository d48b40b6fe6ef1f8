import { type RawBuilder, sql } from 'kysely';
import type { Aggregates } from './aggregates.ts';
import { bucketOf } from './merge.ts';
import { isKnown, numberOf, rolledRows } from './rolled-rows.ts';
import { columnsOf } from './series.ts';
import { finite, type Shape } from './shapes.ts';
import { sketchKey } from './sketch.ts';
import { quarterOf, type Trx, timeOf } from './state.ts';

/**
 * By its mark a sketch is compared without its cells: the sum of the cubes of its keys, modulo a
 * prime. Sketches that are merged have the sum of their marks. Small enough for any count of a cell.
 */
const prime = 1_048_573;

const markOf = (key: number, count: number): number =>
  (((key * key * key) % prime) * count) % prime;
export const isSameMark = (one: number, other: number): boolean => (one - other) % prime === 0;

/** Of a finite number: to be summed up, and then made whole. */
export const markOfNumber = (number: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`power(telemetry_sketch_key(${number}), 3)::bigint`;
export const wholeMark = (sum: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`mod(coalesce(${sum}, 0), ${sql.lit(prime)})`;

/** Of a value's sketch in a row of a level: to be summed up as well. */
export const markOfSketch = (prefix: string): RawBuilder<unknown> => sql`(
  select sum(mod(power(key, 3)::bigint, ${sql.lit(prime)}) * count)
  from unnest(${sql.ref(`${prefix}keys`)}, ${sql.ref(`${prefix}counts`)}) as cell (key, count)
)`;

/** Of what waits to be folded: by value, and place. */
export const marksOf = ({ values, size }: Aggregates): number[][] =>
  values.map(({ sketch, sketchCounts }) => {
    const marks = new Array<number>(size).fill(0);
    for (let at = 0; at < sketch.size; at++) {
      const place = sketch.firsts[at] as number;
      const more = markOf(sketch.seconds[at] as number, sketchCounts[at] as number);
      marks[place] = ((marks[place] as number) + more) % prime;
    }
    return marks;
  });

/** By quarter hour and series, as `placeOf` has them. */
export type Marks = Map<string, number[]>;
export const placeOf = (quarter: number, series: number): string => `${quarter} ${series}`;

/**
 * The marks that collectors would give to rows: at the very border of two cells PostgreSQL may take
 * the other one.
 */
export async function marksOfRows(
  trx: Trx,
  shape: Shape,
  quarters: readonly number[],
): Promise<Marks> {
  const found: Marks = new Map();
  const dimensions = sql.join(shape.dimensions.map((name) => sql.ref(name)));
  const quarter = bucketOf('quarter', sql`"timestamp"`);
  const [from, to] = [Math.min(...quarters), Math.max(...quarters) + 1].map(timeOf);
  const within = sql`"timestamp" >= ${from} and "timestamp" < ${to}
    and ${quarter} = any(${quarters.map(timeOf)}::timestamptz[])`;
  for (const [index, { column }] of shape.values.entries()) {
    const number = finite(sql.ref(`source.${column}`));
    const { rows } = await sql<{ bucket: Date; series: number; count: number; least: number }>`
      with cells as materialized (
        select ${quarter} as bucket, ${sql.join(columnsOf(shape, 'source'))},
          count(*)::float8 as count, min(${number}) as least
        from ${rolledRows(shape, within)}
          and ${number} is not null
        group by bucket, ${dimensions}, telemetry_sketch_key(${number})
      )
      select bucket, ${numberOf(shape)} as series, count, least
      from cells left join ${sql.table(shape.seriesTable)} as known on ${isKnown(shape, 'cells')}`.execute(
      trx,
    );
    for (const { bucket, series, count, least } of rows) {
      const place = placeOf(quarterOf(bucket), series);
      const marks = found.get(place) ?? shape.values.map(() => 0);
      marks[index] = ((marks[index] as number) + markOf(sketchKey(least), count)) % prime;
      found.set(place, marks);
    }
  }
  return found;
}
