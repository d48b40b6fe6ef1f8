import { type Kysely, sql, type Transaction } from 'kysely';
import { dayMs, hourMs } from '../units.ts';
import { uuidAtMs, uuidV7TimeMs } from '../uuid.ts';
import { type Partition, partitionsOf } from './catalog.ts';
import type { Database } from './schema.ts';

/** Batch ids are remembered for so long; older ones are refused. */
export const batchIdAgeMsMax = 14 * dayMs;

/** How far a batch id's time may lie ahead of ours. */
export const batchIdAheadMsMax = hourMs;

const mark = 'knows ids from ';

/**
 * From when on the ledger remembers every batch id, by the time inside them: of what is older it
 * knows only what was claimed since. A collector whose clock is behind makes partitions anew that
 * others have dropped, so their being there is not enough. As an expression.
 */
export const ledgerBegin = `(
  with ledger as (
    select class.oid from pg_class as class join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = 'batch_ledger'
  ), oldest as (
    select min(left(substring(bounds from 'FROM [(]''([^'']+)'''), 13) collate "C") as id
    from ledger join pg_inherits on inhparent = ledger.oid join pg_class as leaf on leaf.oid = inhrelid,
      pg_get_expr(leaf.relpartbound, leaf.oid) as bounds
    where bounds <> 'DEFAULT'
  )
  select coalesce(greatest(
    (select to_timestamp(('x' || translate(id, '-', ''))::bit(48)::bigint / 1000.0) from oldest),
    (select clock_timestamp() - interval '${batchIdAgeMsMax} ms' from oldest where id is not null),
    (select substring(obj_description(ledger.oid, 'pg_class') from '^${mark}([0-9-]+T[0-9:.]+Z)')::timestamptz from ledger)
  ), '-infinity')
)`;

/** The same in milliseconds. */
export async function ledgerBeginMs(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from ${sql.raw(ledgerBegin)}) * 1000)::float8 as ms`.execute(db);
  return rows[0]?.ms ?? Number.NaN;
}

/** A ledger that was lost and made anew knows nothing of before, of clocks that are ahead neither. */
export async function noteLedgerBegin(trx: Transaction<Database>): Promise<void> {
  const begin = new Date(Date.now() + hourMs).toISOString();
  await sql`comment on table batch_ledger is ${sql.lit(mark + begin)}`.execute(trx);
}

/**
 * Before when batch ids may be forgotten. The clock of one machine is not enough, and where the
 * database runs on that machine neither are two: nothing is forgotten before ids of two later days
 * say that so much time has passed. A wrong clock writes the ids of one day.
 */
export async function ledgerHorizonMs(db: Kysely<Database>, oursMs: number): Promise<number> {
  const timesMs = [oursMs, await databaseNowMs(db), await witnessedMs(db)];
  return Math.min(...timesMs) - batchIdAgeMsMax - dayMs;
}

/**
 * Ids that were older than the ledger when they came, from a spool that had slept, are in the
 * default partition. They are remembered for as long as others, counted from then.
 */
export async function forgetLateIds(db: Kysely<Database>, horizonMs: number): Promise<void> {
  if (horizonMs === -Infinity) return;
  const late = (await partitionsOf(db, 'batch_ledger')).find(({ isDefault }) => isDefault);
  if (!late) return;
  const horizon = new Date(horizonMs);
  await sql`
    delete from ${sql.table(late.name)}
    where batch_id < ${uuidAtMs(horizonMs)} and committed_at < ${horizon}`.execute(db);
}

/** The end of the last day but one of which the ledger has ids. */
async function witnessedMs(db: Kysely<Database>): Promise<number> {
  const [, second] = await ledgerDays(db, 2);
  return second === undefined ? -Infinity : second + dayMs;
}

/**
 * When it is at the least, by ids that were claimed before; -Infinity where they don't tell. One day
 * of ids is not believed that lies more than a day ahead: a wrong clock may have written it.
 */
export async function timeByIdsMs(db: Kysely<Database>, oursMs: number): Promise<number> {
  const [last, second] = await ledgerDays(db, 2);
  if (last === undefined) return -Infinity;
  const newestMs = await newestIdMs(db, last);
  const knownMs = newestMs - oursMs < dayMs ? newestMs : (second ?? -Infinity);
  return knownMs - batchIdAheadMsMax;
}

async function newestIdMs(db: Kysely<Database>, fromMs: number): Promise<number> {
  const newest = await db
    .selectFrom('batch_ledger')
    .select('batch_id')
    .where('batch_id', '>=', uuidAtMs(fromMs))
    .orderBy('batch_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest ? uuidV7TimeMs(newest.batch_id) : -Infinity;
}

/** The last days of which the ledger has ids, the latest first: when they begin. */
export async function ledgerDays(db: Kysely<Database>, daysMax: number): Promise<number[]> {
  const days: number[] = [];
  for (const { name, fromMs } of (await dailyPartitions(db)).reverse()) {
    if (days.length === daysMax) break;
    const { rows } = await sql<{ used: boolean }>`
      select exists (select from ${sql.table(name)}) as used`.execute(db);
    if (rows[0]?.used) days.push(fromMs);
  }
  return days;
}

export async function databaseNowMs(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(db);
  return rows[0]?.ms ?? Number.NaN;
}

/** From the oldest on. */
const dailyPartitions = async (db: Kysely<Database>): Promise<Partition[]> =>
  (await partitionsOf(db, 'batch_ledger')).filter(({ isDefault }) => !isDefault);
