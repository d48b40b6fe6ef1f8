import { sql } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import { tables } from '../records/tables.ts';
import type { SeriesTotals } from './compare.ts';
import { waiting } from './fold.ts';
import { bucketOf } from './merge.ts';
import { isRolledTime } from './pack-sql.ts';
import type { Span } from './rebuild.ts';
import { columnsOf, margin, seriesHash } from './series.ts';
import { finite, type Shape } from './shapes.ts';
import { quarterOf, type Trx } from './state.ts';
import {
  addedColumns,
  addedUp,
  columnsOfRow,
  type TotalsRow,
  totalColumns,
  totalsAt,
  totalsOf,
} from './totals.ts';

interface Row extends TotalsRow {
  readonly bucket: Date;
  readonly series: number;
  readonly magnitudes?: (number | null)[];
}

const seriesTotals = ({ bucket, series, magnitudes, ...row }: Row): SeriesTotals => ({
  quarter: quarterOf(bucket),
  series,
  ...(magnitudes && { magnitudes: magnitudes.map((each) => each ?? 0) }),
  ...totalsOf(row),
});

/** Of the rows that are rolled up. */
export async function rawTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
  bySeries: boolean,
): Promise<SeriesTotals[]> {
  const table = sql.table(shape.seriesTable);
  const hash = seriesHash(margin.series, columnsOf(shape, 'source'));
  const rest = sql`(select id from ${table} where margin = ${margin.rest})`;
  const onWorkers = await isDistributed(trx, tables[shape.kind].name);
  const known = onWorkers ? sql`known.id` : sql`(select id from ${table} where hash = ${hash})`;
  const series = bySeries ? sql`coalesce(${known}, ${rest}, -1)` : sql`0`;
  const join =
    bySeries && onWorkers ? sql`left join ${table} as known on known.hash = ${hash}` : sql``;
  const numbers = shape.values.map(({ column }) => finite(sql.ref(`source.${column}`)));
  const magnitudes = numbers.map((number, index) => sql`abs(${number}) as ${sql.ref(`m${index}`)}`);
  const sums = numbers.map((_, index) => {
    const magnitude = sql.ref(`m${index}`);
    return sql`case when max(${magnitude}) > 1e290 then 1.7976931348623157e308
      else sum(${magnitude}) filter (where ${magnitude} <= 1e290) end`;
  });
  const { rows } = await sql<Row>`
    with parts (bucket, series, ${addedColumns(shape)},
      ${sql.join(numbers.map((_, index) => sql.ref(`m${index}`)))}) as (
      select ${bucketOf('quarter', sql`"timestamp"`)}, ${series}, ${columnsOfRow(shape)},
        ${sql.join(magnitudes)}
      from ${sql.table(tables[shape.kind].name)} as source ${join}
      where "timestamp" >= ${from} and "timestamp" < ${to} and rolled is not false
        and ${isRolledTime(sql`"timestamp"`)}
    )
    select bucket, series, magnitudes, ${totalColumns(shape)}
    from (
      select bucket, series, array[${sql.join(sums)}] as magnitudes, ${addedUp(shape)}
      from parts group by 1, 2
    ) as added`.execute(trx);
  return rows.map(seriesTotals);
}

/** As they are rolled up. */
export async function rolledTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
  bySeries: boolean,
): Promise<SeriesTotals[]> {
  const names = bySeries ? sql`${margin.series}, ${margin.rest}` : sql`${margin.all}`;
  const { rows } = await sql<Row>`
    select bucket, series, ${totalColumns(shape)}
    from (
      select bucket, ${bySeries ? sql`series` : sql`0`} as series, ${addedUp(shape)}
      from ${sql.table(shape.levelTables.quarter)} join ${sql.table(shape.seriesTable)} on id = series
      where bucket >= ${from} and bucket < ${to} and margin in (${names})
      group by 1, 2
    ) as added`.execute(trx);
  const repairs = await sql<{ bucket: Date }>`
    select bucket from rollup_repairs where kind = ${shape.kind}`.execute(trx);
  const removed = new Set(repairs.rows.map(({ bucket }) => quarterOf(bucket)));
  return rows
    .map(seriesTotals)
    .map((each) => ({ ...each, isRemovedFrom: removed.has(each.quarter) }));
}

/** What waits to be folded. */
export async function freshTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
): Promise<SeriesTotals[]> {
  const totals = await waiting(trx, shape);
  const { firsts, seconds, size } = totals.places;
  return Array.from({ length: size }, (_, place) => ({
    quarter: firsts[place] as number,
    series: seconds[place] as number,
    isRemovedFrom: totals.isRemovedFrom(place),
    ...totalsAt(totals, place),
  })).filter(({ quarter }) => quarter >= quarterOf(from) && quarter < quarterOf(to));
}
