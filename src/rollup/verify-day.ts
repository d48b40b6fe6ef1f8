import { type Kysely, sql } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import { finishPrepared } from '../database/cluster/prepared.ts';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import { hourMs } from '../units.ts';
import { compare, type Finding, merged, type SeriesTotals } from './compare.ts';
import { unfinishedMargins } from './later-margins.ts';
import type { Span } from './rebuild.ts';
import { margin, type SeriesInLevels, seriesInLevels } from './series.ts';
import { marginsOf, type Shape } from './shapes.ts';
import { marksOfRows, placeOf } from './sketch-marks.ts';
import { type Trx, timeOf } from './state.ts';
import { freshTotals, rawTotals, rolledTotals } from './verified-totals.ts';

/** Quarter hours and series that are in memory at once. */
const totalsTogether = 200_000;
/** Quarter hours whose sketches are looked at more closely: hardly one is in vain. */
const remarkedMax = 100;

/** Something that is rolled up otherwise than the rows say. */
export interface Difference {
  readonly table: string;
  readonly bucket: Date;
  /** What differs, for people. */
  readonly what: string;
}

/** Compares the quarter hours of a day, each as it is at one moment. */
export async function verifyDay(
  db: Kysely<Database>,
  shape: Shape,
  day: Span,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const part of await partsOfDay(db, shape, day)) {
    found.push(...(await verifyPart(db, shape, part)));
  }
  return found;
}

/** A day, or its hours where a day is too much for memory. */
async function partsOfDay(db: Kysely<Database>, shape: Shape, day: Span): Promise<Span[]> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (
      select 1 from ${sql.table(shape.levelTables.quarter)}
      where bucket >= ${day.from} and bucket < ${day.to} limit ${totalsTogether + 1}
    ) as counted`.execute(db);
  if ((rows[0]?.count ?? 0) <= totalsTogether) return [day];
  const [fromMs, toMs] = [day.from.getTime(), day.to.getTime()];
  return Array.from({ length: Math.ceil((toMs - fromMs) / hourMs) }, (_, index) => {
    const ms = fromMs + index * hourMs;
    return { from: new Date(ms), to: new Date(Math.min(ms + hourMs, toMs)) };
  });
}

async function verifyPart(db: Kysely<Database>, shape: Shape, part: Span): Promise<Difference[]> {
  const found = await verifyAtOnce(db, shape, part, false);
  if (found.length === 0 || !(await isDistributed(db, tables[shape.kind].name))) return found;
  // Several servers have no moment in common, unless nobody stores anything.
  await finishPrepared(db);
  return await verifyAtOnce(db, shape, part, true);
}

async function verifyAtOnce(
  db: Kysely<Database>,
  shape: Shape,
  span: Span,
  holdsOff: boolean,
): Promise<Difference[]> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      if (holdsOff) await sql`lock table rollup_fresh in exclusive mode`.execute(trx);
      await sql`set local jit = off`.execute(trx);
      const unfinished = await unfinishedMargins(trx, shape);
      const inLevels = marginsOf(shape).length - unfinished.length;
      const fresh = await freshTotals(trx, shape, span);
      const raw = await rawTotals(trx, shape, span);
      const series = await seriesInLevels(
        trx,
        shape,
        [...raw, ...fresh].map((each) => each.series),
      );
      const rolled = merged(shape, [
        ...(await rolledTotals(trx, shape, span, unfinished)),
        ...withMargins(fresh, series, inLevels),
      ]);
      const compared = (rows: readonly SeriesTotals[]) =>
        compare(shape, merged(shape, withMargins(rows, series, inLevels)), rolled);
      const first = compared(raw);
      const doubted = first.filter(({ isOfSketch }) => isOfSketch).map(({ quarter }) => quarter);
      const found =
        doubted.length === 0 ? first : compared(await remarked(trx, shape, raw, doubted));
      return (await ofSeriesFirst(trx, shape, found)).map(({ quarter, what }) => ({
        table: shape.levelTables.quarter,
        bucket: timeOf(quarter),
        what,
      }));
    });
}

/** The same, with exact marks in the first of some quarter hours. */
async function remarked(
  trx: Trx,
  shape: Shape,
  raw: readonly SeriesTotals[],
  quarters: readonly number[],
): Promise<SeriesTotals[]> {
  const some = [...new Set(quarters)].sort((a, b) => a - b).slice(0, remarkedMax);
  const marks = await marksOfRows(trx, shape, some);
  return raw.map((each) =>
    some.includes(each.quarter)
      ? { ...each, marks: marks.get(placeOf(each.quarter, each.series)) ?? [] }
      : each,
  );
}

/** Totals of series, each of its margins as well, of which the first are there. */
const withMargins = (
  totals: readonly SeriesTotals[],
  known: ReadonlyMap<number, SeriesInLevels>,
  inLevels: number,
): SeriesTotals[] =>
  totals.flatMap((each) => {
    const margins = (known.get(each.series)?.margins ?? []).slice(0, inLevels);
    return [each, ...margins.map((series) => ({ ...each, series }))];
  });

/** What is amiss with a series is so with its margins: of a quarter hour, these alone where no series is. By time. */
async function ofSeriesFirst(
  trx: Trx,
  { seriesTable }: Shape,
  found: readonly Finding[],
): Promise<readonly Finding[]> {
  const ids = found.map(({ series }) => series);
  const { rows } = await sql<{ id: number }>`
    select id from ${sql.table(seriesTable)}
    where id = any(${ids}::int[]) and margin not in (${margin.series}, ${margin.rest})`.execute(
    trx,
  );
  const margins = new Set(rows.map(({ id }) => id));
  const ofSeries = found.filter(({ series }) => !margins.has(series));
  const quarters = new Set(ofSeries.map(({ quarter }) => quarter));
  return [...ofSeries, ...found.filter(({ quarter }) => !quarters.has(quarter))].sort(
    (a, b) => a.quarter - b.quarter || a.series - b.series,
  );
}
