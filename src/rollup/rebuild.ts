import { type Kysely, type RawBuilder, sql } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import { finishPrepared } from '../database/cluster/prepared.ts';
import { isRolledTime } from '../database/rolled-time.ts';
import type { Database } from '../database/schema.ts';
import { StartError } from '../errors.ts';
import { tables } from '../records/tables.ts';
import { dayMs, hourMs } from '../units.ts';
import { Aggregates, nowhere } from './aggregates.ts';
import { readFloors } from './floors.ts';
import { addUp, type FreshRow, foldAll, writeLevels } from './fold.ts';
import { rewriteCells } from './level-cells.ts';
import { bucketOf, derive } from './merge.ts';
import { packedSource } from './pack-sql.ts';
import { addMargins } from './series.ts';
import type { SeriesCache } from './series-cache.ts';
import { quarterMs, type Shape, shapes } from './shapes.ts';
import { quarterOf, type RollupWriter, readState, type Trx } from './state.ts';
import { createMissing } from './sweep.ts';

/** Rows that are read in one transaction, unless a single quarter hour has more. */
const rowsTogether = 1_000_000;
/** On a cluster, where those who store wait meanwhile. */
const rowsTogetherOnWorkers = 200_000;

/** From the first to before the second. */
export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/**
 * Computes what is rolled up in a span anew from the rows that are there, day by day, or in shorter
 * spans where a day has many rows; nothing of before the rows that retention has left, but sketches
 * in one piece, which need none. Others wait meanwhile with what they roll up, and nobody with what
 * he stores.
 */
export async function rebuild(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: readonly SeriesCache[],
  wanted: Partial<Span>,
): Promise<Span | undefined> {
  for (const { shape } of series) await refuseHistory(db, shape);
  const span = await wholeSpan(db, wanted);
  if (span) await rebuildSpan(db, writer, series, span);
  await rewriteCells(db, writer, wanted);
  return span;
}

async function rebuildSpan(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: readonly SeriesCache[],
  span: Span,
): Promise<void> {
  const floors = await readFloors(db);
  await finishPrepared(db);
  const onWorkers = await isDistributed(db, tables.event.name);
  const rowsMax = onWorkers ? rowsTogetherOnWorkers : rowsTogether;
  const toMs = span.to.getTime();
  for (let ms = span.from.getTime(); ms < toMs; ms += dayMs) {
    const day = { from: new Date(ms), to: new Date(Math.min(ms + dayMs, toMs)) };
    for (const part of await parts(db, day, rowsMax)) {
      for (const each of series) {
        const span = spanAbove(part, floors.rowsMs[each.shape.kind]);
        if (span) await rebuildPart(db, writer, each, span);
      }
    }
  }
}

export async function refuseHistory(db: Kysely<Database>, { kind }: Shape): Promise<void> {
  const left = await db
    .selectFrom('rollup_history')
    .select('partition_name')
    .where('kind', '=', kind)
    .where('finished_at', 'is', null)
    .execute();
  if (left.length === 0) return;
  throw new StartError(
    `rows from before there were rollups are still being read, in ${left.length} partitions of ${tables[kind].name}: try again when that is done`,
  );
}

/** The part of a span whose rows are there. */
export function spanAbove({ from, to }: Span, floorMs: number): Span | undefined {
  const fromMs = Math.max(from.getTime(), Math.ceil(floorMs / quarterMs) * quarterMs);
  return fromMs < to.getTime() ? { from: new Date(fromMs), to } : undefined;
}

/** Whole quarter hours of what there is, where rows of some kind are; undefined where there is nothing. */
export async function wholeSpan(
  db: Kysely<Database>,
  { from, to }: Partial<Span>,
): Promise<Span | undefined> {
  const { rowsMs } = await readFloors(db);
  const times = shapes.flatMap((shape) => [
    sql`select min("timestamp") as first, max("timestamp") as last
      from ${sql.table(tables[shape.kind].name)} where ${isRolledTime(sql`"timestamp"`)}`,
    sql`select min(bucket), max(bucket) from ${sql.table(shape.levelTables.quarter)}`,
  ]);
  const { rows } = await sql<{ first: Date | null; last: Date | null }>`
    select min(first) as first, max(last) as last from (${sql.join(times, sql` union all `)}) as t`.execute(
    db,
  );
  const { first, last } = rows[0] ?? {};
  if (!first || !last) return undefined;
  const floored = (ms: number) => Math.floor(ms / quarterMs) * quarterMs;
  const ceiled = (ms: number) => Math.ceil(ms / quarterMs) * quarterMs;
  const fromMs = Math.max(
    floored((from ?? first).getTime()),
    floored(first.getTime()),
    ceiled(Math.min(...Object.values(rowsMs))),
  );
  const toMs = Math.min(
    ceiled((to ?? last).getTime() + (to ? 0 : 1)),
    floored(last.getTime()) + quarterMs,
  );
  return fromMs < toMs ? { from: new Date(fromMs), to: new Date(toMs) } : undefined;
}

/** A day, or shorter spans of it. */
async function parts(db: Kysely<Database>, span: Span, rowsMax: number): Promise<Span[]> {
  const fromMs = span.from.getTime();
  const toMs = span.to.getTime();
  if (toMs - fromMs <= quarterMs || (await countUpTo(db, span, rowsMax)) <= rowsMax) return [span];
  const stepMs = toMs - fromMs > hourMs ? hourMs : quarterMs;
  const found: Span[] = [];
  for (let ms = fromMs; ms < toMs; ms += stepMs) {
    const part = { from: new Date(ms), to: new Date(Math.min(ms + stepMs, toMs)) };
    found.push(...(await parts(db, part, rowsMax)));
  }
  return found;
}

async function countUpTo(db: Kysely<Database>, span: Span, rowsMax: number): Promise<number> {
  const counts = shapes.map(
    (shape) => sql`
    select count(*) as count from (
      select 1 from ${sql.table(tables[shape.kind].name)} where ${within(span)} limit ${rowsMax + 1}
    ) as counted`,
  );
  const { rows } = await sql<{ count: number }>`
    select max(count) as count from (${sql.join(counts, sql` union all `)}) as counts`.execute(db);
  return rows[0]?.count ?? 0;
}

const within = ({ from, to }: Span): RawBuilder<boolean> =>
  sql<boolean>`"timestamp" >= ${from} and "timestamp" < ${to}`;

export async function rebuildPart(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
  span: Span,
): Promise<void> {
  const { shape } = series;
  const table = tables[shape.kind].name;
  const isRolled = sql`${within(span)} and rolled is not false`;
  while (await createMissing(db, series, sql.table(table), isRolled));
  while (await addMargins(db, shape));
  const onWorkers = await isDistributed(db, table);
  await foldAll(writer);
  await writer.transaction(async (trx, copy) => {
    // The snapshot is the first query's: nobody changes what is rolled up after it.
    await sql`set transaction isolation level repeatable read`.execute(trx);
    await sql`lock table rollup_state in exclusive mode`.execute(trx);
    // There is no snapshot over several servers: nobody stores anything that only some of them see.
    if (onWorkers) await sql`lock table rollup_fresh in exclusive mode`.execute(trx);
    const { settledAt } = await readState(trx);
    await foldElsewhere(trx, copy, shape, span, settledAt);
    await sql`
      delete from ${sql.table(shape.levelTables.quarter)}
      where bucket >= ${span.from} and bucket < ${span.to}`.execute(trx);
    const { rows } = await sql<FreshRow>`
      with source as (select * from ${sql.table(table)} where ${isRolled})
      select ${shape.kind}::text as kind, events, data from (${packedSource(shape)}) as packed`.execute(
      trx,
    );
    await writeLevels(trx, copy, shape, addUp(shape, rows), -Infinity);
    for (const level of ['hour', 'day'] as const) await deriveAround(trx, shape, level, span);
    await sql`
      delete from rollup_repairs
      where kind = ${shape.kind} and bucket >= ${span.from} and bucket < ${span.to}`.execute(trx);
  });
}

async function deriveAround(
  trx: Trx,
  shape: Shape,
  level: 'hour' | 'day',
  { from, to }: Span,
): Promise<void> {
  const last = sql`${to}::timestamptz - interval '1 microsecond'`;
  const length = sql`${level === 'hour' ? '1 hour' : '24 hours'}::interval`;
  await derive(
    trx,
    shape,
    level,
    bucketOf(level, sql`${from}::timestamptz`),
    sql`${bucketOf(level, last)} + ${length}`,
  );
}

/** What waits to be folded of the span is computed anew too; the rest is folded as ever. */
async function foldElsewhere(
  trx: Trx,
  copy: Parameters<typeof writeLevels>[1],
  shape: Shape,
  span: Span,
  settledAt: Date,
): Promise<void> {
  const { rows } = await sql<FreshRow>`
    delete from rollup_fresh where kind = ${shape.kind} returning kind, events, data`.execute(trx);
  const totals = addUp(shape, rows);
  const [first, end] = [quarterOf(span.from), quarterOf(span.to)];
  const { firsts, seconds } = totals.places;
  const others = new Aggregates(shape);
  const target = Int32Array.from({ length: totals.size }, (_, place) => {
    const quarter = firsts[place] as number;
    return quarter >= first && quarter < end
      ? nowhere
      : others.at(quarter, seconds[place] as number);
  });
  others.addAll(totals, target);
  if (others.size > 0) await writeLevels(trx, copy, shape, others, quarterOf(settledAt));
}
