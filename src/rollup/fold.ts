import { sql } from 'kysely';
import { Aggregates, nowhere } from './aggregates.ts';
import type { RollupLoad } from './fresh-rows.ts';
import { levelRows } from './level-rows.ts';
import { type LevelPlace, mergePlaces } from './merge.ts';
import { PackedReader } from './packed-reader.ts';
import { noteRepairs } from './repairs.ts';
import { type SeriesInLevels, seriesInLevels } from './series.ts';
import {
  type Level,
  levelColumns,
  levels,
  marginsOf,
  quartersIn,
  type Shape,
  shapes,
} from './shapes.ts';
import { lockState, quarterOf, type RollupWriter, type Trx, timeOf } from './state.ts';

/** What is taken together is in memory, and what is written in one transaction. */
const foldedEventsMax = 100_000;

export interface FreshRow {
  readonly kind: string;
  readonly events: number;
  readonly data: Buffer;
}

export interface Folded {
  readonly events: number;
  /** Whether there may be more. */
  readonly isPart: boolean;
}

/** Moves fresh rows into the levels; undefined where another collector is at work. */
export async function fold(writer: RollupWriter, wait = false): Promise<Folded | undefined> {
  return await writer.transaction(async (trx, copy) => {
    const state = await lockState(trx, wait);
    if (!state) return undefined;
    const fresh = await takeFresh(trx);
    const settled = quarterOf(state.settledAt);
    for (const shape of shapes) {
      await writeLevels(trx, copy, shape, addUp(shape, fresh), settled);
    }
    const events = fresh.reduce((sum, row) => sum + row.events, 0);
    return { events, isPart: events >= foldedEventsMax };
  });
}

/** Moves all of them, after whoever else does so. */
export async function foldAll(writer: RollupWriter): Promise<void> {
  while ((await fold(writer, true))?.isPart);
}

async function takeFresh(trx: Trx): Promise<FreshRow[]> {
  const { rows } = await sql<FreshRow>`
    delete from rollup_fresh where ctid = any(array(
      select ctid from (
        select ctid, sum(events) over (rows unbounded preceding) - events as before
        from rollup_fresh
      ) as counted
      where before < ${foldedEventsMax}
    )) returning kind, events, data`.execute(trx);
  return rows;
}

/** Fresh rows of a kind, by quarter hour and series. */
export function addUp(shape: Shape, fresh: readonly FreshRow[]): Aggregates {
  const reader = new PackedReader(shape);
  for (const { kind, data } of fresh) if (kind === shape.kind) reader.add(data);
  return reader.totals;
}

/** What waits to be folded of a kind. */
export async function waiting(trx: Trx, shape: Shape): Promise<Aggregates> {
  const { rows } = await sql<FreshRow>`
    select kind, events, data from rollup_fresh where kind = ${shape.kind}`.execute(trx);
  return addUp(shape, rows);
}

/**
 * Appends totals to the quarter hours, and to the longer levels what these hold already; all of
 * them with their margins.
 */
export async function writeLevels(
  trx: Trx,
  copy: (loads: readonly RollupLoad[]) => Promise<void>,
  shape: Shape,
  totals: Aggregates,
  settled: number,
): Promise<void> {
  if (totals.size === 0) return;
  const ids = totals.places.seconds.subarray(0, totals.size);
  const series = await seriesInLevels(trx, shape, ids);
  countApart(totals, series);
  const loads: RollupLoad[] = [];
  const removed = new Map<Level, LevelPlace[]>();
  for (const level of levels) {
    const bound = level === 'quarter' ? Infinity : settled;
    const written = ofLevel(shape, totals, series, level, bound);
    if (written.size === 0) continue;
    const table = { name: shape.levelTables[level], columns: levelColumns(shape) };
    loads.push({ table, rows: [levelRows(shape, written)] });
    await noteMerges(trx, shape, level, written);
    const places = placesOfRemoved(written);
    if (places.length > 0) removed.set(level, places);
  }
  await copy(loads);
  await noteRepairs(trx, shape, totals);
  for (const [level, places] of removed) await mergePlaces(trx, shape, level, places);
}

/** Where something was taken away. */
function placesOfRemoved({ places, removed }: Aggregates): LevelPlace[] {
  const found: LevelPlace[] = [];
  for (let place = 0; place < places.size; place++) {
    if (removed[place] === 0) continue;
    const bucket = timeOf(places.firsts[place] as number);
    found.push({ bucket, series: places.seconds[place] as number });
  }
  return found;
}

/** Totals of the quarter hours before `bound`, by the buckets of a level. */
function ofLevel(
  shape: Shape,
  totals: Aggregates,
  series: ReadonlyMap<number, SeriesInLevels>,
  level: Level,
  bound: number,
): Aggregates {
  const { firsts, seconds } = totals.places;
  const length = quartersIn[level];
  const result = new Aggregates(shape);
  const targets = (targetOf: (id: number) => number | undefined) =>
    Int32Array.from({ length: totals.size }, (_, place) => {
      const quarter = firsts[place] as number;
      const target = targetOf(seconds[place] as number);
      if (quarter >= bound || target === undefined) return nowhere;
      return result.at(Math.floor(quarter / length) * length, target);
    });
  result.addAll(
    totals,
    targets((id) => id),
  );
  // What a series is says it.
  result.apart.fill(Number.NaN, 0, result.size);
  for (const index of marginsOf(shape).keys()) {
    result.addAll(
      totals,
      targets((id) => series.get(id)?.margins[index]),
    );
  }
  return result;
}

/** Of each place the number of records that are counted apart. */
function countApart(
  { places, records, apart }: Aggregates,
  series: ReadonlyMap<number, SeriesInLevels>,
): void {
  for (let place = 0; place < places.size; place++) {
    const found = series.get(places.seconds[place] as number);
    const isKnown = typeof found?.isApart === 'boolean';
    apart[place] = isKnown ? Number(found.isApart) * (records[place] as number) : Number.NaN;
  }
}

async function noteMerges(
  trx: Trx,
  shape: Shape,
  level: Level,
  { places }: Aggregates,
): Promise<void> {
  const quarters = [...new Set(places.firsts.subarray(0, places.size))];
  await sql`
    insert into rollup_merges (kind, level, bucket)
    select ${shape.kind}, ${level}, bucket from unnest(${quarters.map(timeOf)}::timestamptz[]) as bucket
    on conflict do nothing`.execute(trx);
}
