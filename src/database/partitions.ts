import { type Kysely, sql, type Transaction } from 'kysely';
import { dayMs } from '../units.ts';
import { uuidAtMs } from '../uuid.ts';
import type { Database } from './schema.ts';

export interface PartitionWindow {
  readonly table: 'system_telemetry' | 'usage_stats' | 'batch_ledger';
  /** Partitions begin on the day of this time … */
  readonly fromMs: number;
  /** … and go up to the day of this one. */
  readonly toMs: number;
}

/** Column and bounds of a table's partitions. */
function partitioning(table: PartitionWindow['table']) {
  return table === 'batch_ledger'
    ? { column: 'batch_id', bound: (ms: number) => sql.lit(uuidAtMs(ms)) }
    : { column: 'timestamp', bound: (ms: number) => sql.lit(new Date(ms).toISOString()) };
}

/** Days are UTC days: system_telemetry_20261123 holds the 23rd of November 2026. */
function partitionName(table: string, ms: number): string {
  return `${table}_${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** Creates the daily partitions of a window that do not exist yet. Needs the maintenance lock. */
export async function ensurePartitions(
  db: Kysely<Database>,
  { table, fromMs, toMs }: PartitionWindow,
): Promise<void> {
  const existing = new Set(await listPartitions(db, table));
  const covered = await coveredUntilMs(db, table);
  for (let ms = Math.floor(fromMs / dayMs) * dayMs; ms <= toMs; ms += dayMs) {
    const name = partitionName(table, ms);
    if (existing.has(name) || ms < covered) continue;
    await db.transaction().execute((trx) => createPartition(trx, table, name, ms, ms + dayMs));
  }
}

/**
 * Covers everything before `toMs` by one partition, for the rows that are adopted from older
 * tables. Later calls leave it as it is.
 */
export async function ensureArchivePartition(
  db: Kysely<Database>,
  table: 'system_telemetry' | 'usage_stats',
  toMs: number,
): Promise<void> {
  const day = Math.floor(toMs / dayMs) * dayMs;
  if ((await coveredUntilMs(db, table)) > -Infinity) return;
  const name = `${table}_until_${partitionName(table, day).slice(-8)}`;
  await db.transaction().execute((trx) => createPartition(trx, table, name, undefined, day));
}

/** Drops the daily partitions that end before a time. Needs the maintenance lock. */
export async function dropPartitionsBefore(
  db: Kysely<Database>,
  table: PartitionWindow['table'],
  beforeMs: number,
): Promise<string[]> {
  const last = partitionName(table, beforeMs - dayMs);
  const daily = new RegExp(`^${table}_\\d{8}$`);
  const old = (await listPartitions(db, table)).filter((name) => daily.test(name) && name < last);
  for (const name of old) {
    await db.transaction().execute(async (trx) => {
      await sql`set local lock_timeout = '500ms'`.execute(trx);
      await sql`drop table ${sql.table(name)}`.execute(trx);
    });
  }
  return old;
}

async function listPartitions(db: Kysely<Database>, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select child.relname as name
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = to_regclass(${table})`.execute(db);
  return rows.map((row) => row.name);
}

/** Where the archive partition ends; -Infinity without one. */
async function coveredUntilMs(db: Kysely<Database>, table: string): Promise<number> {
  const archive = (await listPartitions(db, table)).find((name) =>
    name.startsWith(`${table}_until_`),
  );
  if (!archive) return -Infinity;
  const day = archive.slice(-8);
  return Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`);
}

/**
 * Creates a stand-alone table with a CHECK, moves what the default partition holds of it, and
 * attaches it: writers to other partitions never wait.
 */
async function createPartition(
  trx: Transaction<Database>,
  table: PartitionWindow['table'],
  name: string,
  fromMs: number | undefined,
  toMs: number,
): Promise<void> {
  const { column, bound } = partitioning(table);
  const key = sql.ref(column);
  const inRange =
    fromMs === undefined
      ? sql`${key} < ${bound(toMs)}`
      : sql`${key} >= ${bound(fromMs)} and ${key} < ${bound(toMs)}`;
  const from = fromMs === undefined ? sql`minvalue` : bound(fromMs);
  const check = sql.ref(`${name}_range`);
  await sql`set local lock_timeout = '2s'`.execute(trx);
  await sql`create table ${sql.table(name)} (like ${sql.table(table)} including defaults)`.execute(
    trx,
  );
  await sql`alter table ${sql.table(name)} add constraint ${check} check (${inRange})`.execute(trx);
  await sql`
    with moved as (
      delete from only ${sql.table(`${table}_default`)} where ${inRange} returning *
    )
    insert into ${sql.table(name)} select * from moved`.execute(trx);
  await sql`
    alter table ${sql.table(table)} attach partition ${sql.table(name)}
    for values from (${from}) to (${bound(toMs)})`.execute(trx);
  await sql`alter table ${sql.table(name)} drop constraint ${check}`.execute(trx);
}
