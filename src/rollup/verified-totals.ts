import { sql } from 'kysely';
import { tables } from '../records/tables.ts';
import type { Totals } from './compare.ts';
import { addUp, type FreshRow } from './fold.ts';
import { type MeasuresRow, measuresOf } from './measures.ts';
import { bucketOf, sumOfDoubles } from './merge.ts';
import { isRolledTime, sumOf } from './pack-sql.ts';
import type { Span } from './rebuild.ts';
import { columnsOf, margin, seriesHash } from './series.ts';
import type { Shape } from './shapes.ts';
import { quarterOf, type Trx } from './state.ts';

interface Row extends MeasuresRow {
  readonly bucket: Date;
  readonly series: number;
  readonly sums: (string | null)[];
}

const totalsOf = ({ bucket, series, sums, ...measures }: Row): Totals => ({
  quarter: quarterOf(bucket),
  series,
  ...measuresOf(measures),
  sums: sums.map(Number),
});

/** Of the rows that are rolled up. */
export async function rawTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
  bySeries: boolean,
): Promise<Totals[]> {
  const table = sql.table(shape.seriesTable);
  const value = sql`(case when ${sql.ref(shape.value)} not in ('NaN', 'Infinity', '-Infinity')
    then ${sql.ref(shape.value)} end)`;
  const hash = seriesHash(margin.series, columnsOf(shape, 'source'));
  const rest = sql`(select id from ${table} where margin = ${margin.rest})`;
  const series = bySeries
    ? sql`coalesce((select id from ${table} where hash = ${hash}), ${rest}, -1)`
    : sql`0`;
  const sums = shape.sums.map((name) => sql`sum(${sumOf(shape, name, 'source')})::text`);
  const { rows } = await sql<Row>`
    select ${bucketOf('quarter', sql`"timestamp"`)} as bucket, ${series} as series,
      count(*) as events, count(${value}) as n, ${sumOfDoubles(value)} as sum,
      min(${value}) as min, max(${value}) as max, array[${sql.join(sums)}] as sums
    from ${sql.table(tables[shape.kind].name)} as source
    where "timestamp" >= ${from} and "timestamp" < ${to} and rolled is not false
      and ${isRolledTime(sql`"timestamp"`)}
    group by 1, 2`.execute(trx);
  return rows.map(totalsOf);
}

/** As they are rolled up. */
export async function rolledTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
  bySeries: boolean,
): Promise<Totals[]> {
  const names = bySeries ? sql`${margin.series}, ${margin.rest}` : sql`${margin.all}`;
  const sums = shape.sums.map((name) => sql`sum(${sql.ref(name)})::text`);
  const { rows } = await sql<Row>`
    select bucket, ${bySeries ? sql`series` : sql`0`} as series, sum(events)::bigint as events,
      sum(n)::bigint as n, ${sumOfDoubles(sql`sum`)} as sum, min(min) as min, max(max) as max,
      array[${sql.join(sums)}] as sums
    from ${sql.table(shape.levelTables.quarter)} join ${sql.table(shape.seriesTable)} on id = series
    where bucket >= ${from} and bucket < ${to} and margin in (${names})
    group by 1, 2`.execute(trx);
  return rows.map(totalsOf);
}

/** What waits to be folded. */
export async function freshTotals(trx: Trx, shape: Shape, { from, to }: Span): Promise<Totals[]> {
  const { rows } = await sql<FreshRow>`
    select kind, events, data from rollup_fresh where kind = ${shape.kind}`.execute(trx);
  const totals = addUp(shape, rows);
  const { firsts, seconds, size } = totals.places;
  const found = Array.from({ length: size }, (_, place) => ({
    quarter: firsts[place] as number,
    series: seconds[place] as number,
    events: totals.events[place] as number,
    n: totals.n[place] as number,
    sum: totals.sum[place] as number,
    min: totals.min[place] as number,
    max: totals.max[place] as number,
    sums: totals.given.map((_, index) => Number(totals.wholeAt(index, place) ?? 0)),
  }));
  return found.filter(({ quarter }) => quarter >= quarterOf(from) && quarter < quarterOf(to));
}
