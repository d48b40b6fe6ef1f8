import { type RawBuilder, sql } from 'kysely';
import type { SeriesTotals } from './compare.ts';
import { waiting } from './fold.ts';
import { bucketOf } from './merge.ts';
import type { Span } from './rebuild.ts';
import { isKnown, numberOf, rolledRows } from './rolled-rows.ts';
import { columnsOf } from './series.ts';
import { finite, type Shape } from './shapes.ts';
import { markOfNumber, markOfSketch, marksOf, wholeMark } from './sketch-marks.ts';
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
  readonly marks: number[];
}

const seriesTotals = ({ bucket, series, magnitudes, marks, ...row }: Row): SeriesTotals => ({
  quarter: quarterOf(bucket),
  series,
  marks,
  ...(magnitudes && { magnitudes: magnitudes.map((each) => each ?? 0) }),
  ...totalsOf(row),
});

/** Of columns with marks. */
const marksAsArray = (marks: readonly RawBuilder<unknown>[]) =>
  sql`array[${sql.join(marks.map((mark) => wholeMark(sql`sum(${mark})`)))}]::float8[] as marks`;

/** Of the rows that are rolled up, by series: rows of equal dimensions are added up before. */
export async function rawTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
): Promise<SeriesTotals[]> {
  const dimensions = sql.join(shape.dimensions.map((name) => sql.ref(name)));
  const numbers = shape.values.map(({ column }) => finite(sql.ref(`source.${column}`)));
  const names = numbers.map((_, index) => sql.ref(`m${index}`));
  const sums = names.map(
    (name) => sql`case when max(${name}) > 1e290 then 1.7976931348623157e308
      else sum(${name}) filter (where ${name} <= 1e290) end`,
  );
  const marks = numbers.map((_, index) => sql.ref(`k${index}`));
  const added = marks.map((mark) => sql`sum(${mark}) as ${mark}`);
  const { rows } = await sql<Row>`
    with parts (bucket, ${dimensions}, ${addedColumns(shape)}, ${sql.join([...names, ...marks])}) as (
      select ${bucketOf('quarter', sql`"timestamp"`)}, ${sql.join(columnsOf(shape, 'source'))},
        ${columnsOfRow(shape)}, ${sql.join(numbers.map((number) => sql`abs(${number})`))},
        ${sql.join(numbers.map(markOfNumber))}
      from ${rolledRows(shape, sql`"timestamp" >= ${from} and "timestamp" < ${to}`)}
    ), added as materialized (
      select bucket, ${dimensions}, ${addedUp(shape)},
        ${sql.join([...sums.map((sum, index) => sql`${sum} as ${names[index]}`), ...added])}
      from parts group by bucket, ${dimensions}
    )
    select bucket, series, magnitudes, marks, ${totalColumns(shape)}
    from (
      select bucket, ${numberOf(shape)} as series, array[${sql.join(sums)}] as magnitudes,
        ${marksAsArray(marks)}, ${addedUp(shape)}
      from added left join ${sql.table(shape.seriesTable)} as known on ${isKnown(shape, 'added')}
      group by 1, 2
    ) as by_series`.execute(trx);
  return rows.map(seriesTotals);
}

/** As they are rolled up, margins as well, but for some. */
export async function rolledTotals(
  trx: Trx,
  shape: Shape,
  { from, to }: Span,
  unfinished: readonly string[],
): Promise<SeriesTotals[]> {
  const { rows } = await sql<Row>`
    select bucket, series, marks, ${totalColumns(shape)}
    from (
      select bucket, series, ${marksAsArray(shape.values.map(({ prefix }) => markOfSketch(prefix)))},
        ${addedUp(shape)}
      from ${sql.table(shape.levelTables.quarter)}
      where bucket >= ${from} and bucket < ${to} and not exists (
        select from ${sql.table(shape.seriesTable)}
        where id = series and margin = any(${unfinished}::text[]))
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
  const marks = marksOf(totals);
  const { firsts, seconds, size } = totals.places;
  return Array.from({ length: size }, (_, place) => ({
    quarter: firsts[place] as number,
    series: seconds[place] as number,
    isRemovedFrom: totals.isRemovedFrom(place),
    marks: marks.map((each) => each[place] as number),
    ...totalsAt(totals, place),
  })).filter(({ quarter }) => quarter >= quarterOf(from) && quarter < quarterOf(to));
}
