import { sql } from 'kysely';
import { isRolledTime } from '../database/rolled-time.ts';
import { tables } from '../records/tables.ts';
import type { SeriesTotals } from './compare.ts';
import { waiting } from './fold.ts';
import { bucketOf } from './merge.ts';
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

/** What a row says that has no number for its series, as there is no rest either. */
const unknownSeries = sql.lit(-1);

/** Of the rows that are rolled up, by series: rows of equal dimensions are added up before. */
export async function rawTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
): Promise<SeriesTotals[]> {
  const table = sql.table(shape.seriesTable);
  const dimensions = sql.join(shape.dimensions.map((name) => sql.ref(name)));
  const rest = sql`(select id from ${table} where margin = ${margin.rest})`;
  const hash = seriesHash(margin.series, columnsOf(shape, 'added'));
  const numbers = shape.values.map(({ column }) => finite(sql.ref(`source.${column}`)));
  const names = numbers.map((_, index) => sql.ref(`m${index}`));
  const sums = names.map(
    (name) => sql`case when max(${name}) > 1e290 then 1.7976931348623157e308
      else sum(${name}) filter (where ${name} <= 1e290) end`,
  );
  const { rows } = await sql<Row>`
    with parts (bucket, ${dimensions}, ${addedColumns(shape)}, ${sql.join(names)}) as (
      select ${bucketOf('quarter', sql`"timestamp"`)}, ${sql.join(columnsOf(shape, 'source'))},
        ${columnsOfRow(shape)}, ${sql.join(numbers.map((number) => sql`abs(${number})`))}
      from ${sql.table(tables[shape.kind].name)} as source
      where "timestamp" >= ${from} and "timestamp" < ${to} and rolled is not false
        and ${isRolledTime(sql`"timestamp"`)}
    ), added as materialized (
      select bucket, ${dimensions}, ${addedUp(shape)},
        ${sql.join(sums.map((sum, index) => sql`${sum} as ${names[index]}`))}
      from parts group by bucket, ${dimensions}
    )
    select bucket, series, magnitudes, ${totalColumns(shape)}
    from (
      select bucket, coalesce(known.id, ${rest}, ${unknownSeries}) as series,
        array[${sql.join(sums)}] as magnitudes, ${addedUp(shape)}
      from added left join ${table} as known on known.hash = ${hash}
      group by 1, 2
    ) as by_series`.execute(trx);
  return rows.map(seriesTotals);
}

/** As they are rolled up, margins as well. */
export async function rolledTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
): Promise<SeriesTotals[]> {
  const { rows } = await sql<Row>`
    select bucket, series, ${totalColumns(shape)}
    from (
      select bucket, series, ${addedUp(shape)} from ${sql.table(shape.levelTables.quarter)}
      where bucket >= ${from} and bucket < ${to}
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
