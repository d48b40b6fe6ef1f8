import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { dayMs } from '../units.ts';
import { readFloors } from './floors.ts';
import { unfinishedMargins } from './later-margins.ts';
import { verifyCells } from './level-cells.ts';
import { bucketOf } from './merge.ts';
import { refuseHistory, type Span, spanAbove, wholeSpan } from './rebuild.ts';
import { isApart, margin } from './series.ts';
import { levels, type Shape, shapes } from './shapes.ts';
import { markOfSketch } from './sketch-marks.ts';
import { readState } from './state.ts';
import { readColumns } from './totals.ts';
import { type Difference, verifyDay } from './verify-day.ts';

export interface Verified {
  readonly span: Span | undefined;
  readonly differences: readonly Difference[];
}

/** More are not worth listing. */
const differencesMax = 1000;

/** Compares what is rolled up with the rows, and its sketches with each other. */
export async function verify(db: Kysely<Database>, wanted: Partial<Span>): Promise<Verified> {
  const { span, differences } = await verifyTotals(db, wanted);
  const all = [...differences, ...(await verifyCells(db, wanted))];
  return { span, differences: all.slice(0, differencesMax) };
}

/**
 * Compares what is rolled up with the rows, day by day, each as it is at one moment: the quarter
 * hours of each series and of all that has rows of its own. Then the levels with each other.
 */
export async function verifyTotals(db: Kysely<Database>, wanted: Partial<Span>): Promise<Verified> {
  for (const shape of shapes) await refuseHistory(db, shape);
  const span = await wholeSpan(db, wanted);
  if (!span) return { span, differences: [] };
  const { rowsMs } = await readFloors(db);
  const differences: Difference[] = [];
  const [fromMs, toMs] = [span.from.getTime(), span.to.getTime()];
  for (let ms = fromMs; ms < toMs && differences.length < differencesMax; ms += dayMs) {
    const day = { from: new Date(ms), to: new Date(Math.min(ms + dayMs, toMs)) };
    for (const shape of shapes) {
      const part = spanAbove(day, rowsMs[shape.kind]);
      if (part) differences.push(...(await verifyDay(db, shape, part)));
    }
  }
  for (const shape of shapes) differences.push(...(await verifyLevels(db, shape, span)));
  return { span, differences };
}

/** The first midnight that is not before. */
const dayAfter = (ms: number): number => Math.ceil(ms / dayMs) * dayMs;

/**
 * Whether every level and margin counts the same: a dimension's rows as much as all series, and the
 * rows of everything as much as these and the rest.
 */
async function verifyLevels(
  db: Kysely<Database>,
  shape: Shape,
  { from, to }: Span,
): Promise<Difference[]> {
  const { settledAt } = await readState(db);
  const { levelsMs } = await readFloors(db);
  const unfinished = await unfinishedMargins(db, shape);
  const known = new Date(Math.max(from.getTime(), ...Object.values(levelsMs).map(dayAfter)));
  const sketchCounts = shape.values.map(({ prefix }) => sql.ref(`${prefix}counts`));
  const marks = shape.values.map((_, index) => sql.ref(`k${index}`));
  const marksOfRow = shape.values.map(
    ({ prefix }, index) => sql`${markOfSketch(prefix)} as ${marks[index]}`,
  );
  const counts = levels.map(
    (level) => sql`
    select ${level}::text as level, ${bucketOf('day', sql`bucket`)} as day, margin,
      ${readColumns(shape)}, ${sql.join([...sketchCounts, ...marksOfRow])}
    from ${sql.table(shape.levelTables[level])} join (
      select id, margin, ${isApart(shape, 'each')} as is_apart from ${sql.table(shape.seriesTable)} as each
    ) as each on id = series
    where margin <> all(${unfinished}::text[])
      and bucket >= ${bucketOf('day', sql`${known}::timestamptz`)}
      and bucket < least(${bucketOf('day', sql`${to}::timestamptz`)} + interval '24 hours', ${settledAt})`,
  );
  const inSketch = (column: RawBuilder<unknown>) =>
    sql`coalesce(sum((select sum(c) from unnest(${column}) as c)), 0)`;
  const numbers = shape.values.map(({ prefix }) => sql`sum(${sql.ref(`${prefix}n`)})`);
  const sketches = sketchCounts.map(inSketch);
  // Null where it is unknown: then it is like any other.
  const apart = shape.apart ? sql.ref(shape.apart.name) : sql`null::bigint`;
  const sums = [...shape.sums.map(({ name }) => sql.ref(name)), ...marks].map(
    (column) => sql`coalesce(sum(${column}), 0)`,
  );
  const { rows } = await sql<{ day: Date; levels: string; differ: boolean }>`
    with counted as (
      select day, compared, level, margin_of, sum(${sql.ref(shape.count)}) as records,
        array[${sql.join([...numbers, ...sums])}]::numeric[] as numbers,
        case when count(*) = count(${apart}) then sum(${apart}) end as apart,
        array[${sql.join(numbers)}]::numeric[] = array[${sql.join(sketches)}]::numeric[] as is_whole
      from (${sql.join(counts, sql` union all `)}) as levels join lateral (values
        ('each', case when margin in (${margin.all}, ${margin.rest}) then null else margin end),
        ('all', case when margin = ${margin.rest} then ${margin.series}
          when margin in (${margin.series}, ${margin.all}) then margin end)
      ) as class (compared, margin_of) on margin_of is not null
      group by 1, 2, 3, 4
    )
    select day, count(distinct records) > 1 as differ, string_agg(level || ' ' || margin_of || ' ' || records, ', ') as levels
    from counted group by day, compared
    having count(distinct (records, numbers)) > 1 or count(distinct apart) > 1 or not bool_and(is_whole)
    order by day limit ${differencesMax}`.execute(db);
  return rows.map(({ day, levels: what, differ }) => ({
    table: shape.levelTables.day,
    bucket: day,
    what: `levels and margins ${differ ? 'count differently' : 'have other sums or sketches of the same number'}: ${what}`,
  }));
}
