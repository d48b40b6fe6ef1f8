import { type Kysely, sql, type Transaction } from 'kysely';
import { dayMs } from '../units.ts';
import { uuidAtMs } from '../uuid.ts';
import { freeName, type Partition, partitionsOf, writableColumns } from './catalog.ts';
import { isDistributed } from './cluster/layout.ts';
import { type DataTable, dataTables } from './expected-tables.ts';
import type { Database } from './schema.ts';
import { withShortLocks } from './short-locks.ts';
import { holdReadingOff, movedColumn } from './unread-rows.ts';

/** Days that are created in one transaction, which holds off writers once for all of them. */
const daysTogether = 16;
/** On a cluster each is as many tables as there are shards, and those who ask wait as well. */
const daysTogetherOnWorkers = 4;

export const partitionedTables = [...dataTables, 'batch_ledger'] as const;
export type PartitionedTable = (typeof partitionedTables)[number];

export interface PartitionWindow {
  readonly table: PartitionedTable;
  /** Partitions begin on the day of this time … */
  readonly fromMs: number;
  /** … and go up to the day of this one. */
  readonly toMs: number;
}

/** From the first to before the second. */
interface Range {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Column and bounds of a table's partitions. */
function partitioning(table: PartitionedTable) {
  return table === 'batch_ledger'
    ? { column: 'batch_id', bound: (ms: number) => sql.lit(uuidAtMs(ms)) }
    : { column: 'timestamp', bound: (ms: number) => sql.lit(new Date(ms).toISOString()) };
}

const dayOf = (ms: number): number => Math.floor(ms / dayMs) * dayMs;
const dayName = (ms: number): string => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');

/** Creates the daily partitions of a window that do not exist yet. Needs the maintenance lock. */
export async function ensurePartitions(
  db: Kysely<Database>,
  window: PartitionWindow,
): Promise<void> {
  const days = await missingDays(db, window);
  if (days.length === 0) return;
  const together = (await isDistributed(db, window.table)) ? daysTogetherOnWorkers : daysTogether;
  for (let at = 0; at < days.length; at += together) {
    const some = days.slice(at, at + together);
    await withShortLocks(db, (trx) => createPartitions(trx, window.table, some));
  }
}

/** The same in the transaction that creates the table, in which nobody waits for it. */
export async function createFirstPartitions(
  trx: Transaction<Database>,
  window: PartitionWindow,
): Promise<void> {
  await createPartitions(trx, window.table, await missingDays(trx, window));
}

/**
 * Covers everything before `toMs` by one partition, for the rows that are adopted from older
 * tables. Later calls leave it as it is.
 */
export async function ensureArchivePartition(
  db: Kysely<Database>,
  table: DataTable,
  toMs: number,
): Promise<void> {
  const first = await firstPartition(db, table);
  if (first?.fromMs === -Infinity) return;
  const day = Math.min(dayOf(toMs), first?.fromMs ?? Infinity);
  const archive = { name: `${table}_until_${dayName(day)}`, fromMs: -Infinity, toMs: day };
  await withShortLocks(db, (trx) => createPartitions(trx, table, [archive]));
}

export async function hasArchivePartition(
  db: Kysely<Database>,
  table: DataTable,
): Promise<boolean> {
  return (await firstPartition(db, table))?.fromMs === -Infinity;
}

async function firstPartition(
  db: Kysely<Database>,
  table: PartitionedTable,
): Promise<Partition | undefined> {
  return (await partitionsOf(db, table)).find(({ isDefault }) => !isDefault);
}

/**
 * Drops the daily partitions that end before a time. Needs the maintenance lock. One that can't be
 * dropped does not keep the others; those of another role are left to that one.
 */
export async function dropPartitionsBefore(
  db: Kysely<Database>,
  table: PartitionedTable,
  beforeMs: number,
): Promise<string[]> {
  const old = (await partitionsOf(db, table)).filter(
    ({ fromMs, toMs, isOwn }) => isOwn && toMs <= beforeMs && toMs - fromMs <= dayMs,
  );
  const dropped: string[] = [];
  const failures: unknown[] = [];
  for (const { name } of old) {
    try {
      await withShortLocks(db, (trx) => dropPartition(trx, table, name));
      dropped.push(name);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return dropped;
}

/** A drop wants the table itself too: locked in the order of writers, it can't deadlock them. */
async function dropPartition(
  trx: Transaction<Database>,
  table: PartitionedTable,
  name: string,
): Promise<void> {
  await sql`lock table only ${sql.table(table)} in access exclusive mode`.execute(trx);
  await sql`drop table ${sql.table(name)}`.execute(trx);
}

/** Days are UTC days: system_telemetry_20261123 holds the 23rd of November 2026. */
async function missingDays(
  db: Kysely<Database>,
  { table, fromMs, toMs }: PartitionWindow,
): Promise<Range[]> {
  const existing = (await partitionsOf(db, table)).filter(({ isDefault }) => !isDefault);
  const days: Range[] = [];
  for (let ms = dayOf(fromMs); ms <= toMs; ms += dayMs) {
    const overlaps = existing.some((other) => other.fromMs < ms + dayMs && ms < other.toMs);
    if (!overlaps) days.push({ name: `${table}_${dayName(ms)}`, fromMs: ms, toMs: ms + dayMs });
  }
  return days;
}

/**
 * Creates stand-alone tables with a CHECK, moves what the default partition holds of them, and
 * attaches them.
 */
async function createPartitions(
  trx: Transaction<Database>,
  table: PartitionedTable,
  ranges: readonly Range[],
): Promise<void> {
  const standard = (await partitionsOf(trx, table)).find(({ isDefault }) => isDefault)?.name;
  if (standard !== undefined) await holdReadingOff(trx, standard);
  await holdOthersOff(trx, table, standard, ranges);
  for (const { name: wanted, ...range } of ranges) {
    // A partition that somebody has detached keeps its name.
    const name = await freeName(trx, wanted);
    await createPartition(trx, table, standard, { name, ...range });
  }
}

/**
 * A writer that is on its way into the default partition when its row's own partition is attached
 * is refused, and one that gets there first refuses the partition. So nobody writes meanwhile:
 * first the table is locked, as writers do, then the default partition. Nor does anybody read: who
 * has found out what partitions there are, and then waits for one, would miss what has moved into
 * another meanwhile. To days that are still to come nobody writes.
 */
async function holdOthersOff(
  trx: Transaction<Database>,
  table: PartitionedTable,
  standard: string | undefined,
  ranges: readonly Range[],
): Promise<void> {
  if (ranges.some(({ fromMs }) => fromMs < Date.now() + dayMs)) {
    await sql`lock table only ${sql.table(table)} in access exclusive mode`.execute(trx);
  }
  if (standard === undefined) return;
  await sql`lock table only ${sql.table(standard)} in access exclusive mode`.execute(trx);
}

async function createPartition(
  trx: Transaction<Database>,
  table: PartitionedTable,
  standard: string | undefined,
  { name, fromMs, toMs }: Range,
): Promise<void> {
  const { column, bound } = partitioning(table);
  const key = sql.ref(column);
  const begun = fromMs === -Infinity ? sql`true` : sql`${key} >= ${bound(fromMs)}`;
  const inRange = sql`${begun} and ${key} < ${bound(toMs)}`;
  const from = fromMs === -Infinity ? sql`minvalue` : bound(fromMs);
  const check = sql.ref(`${name}_range`);
  const names = await writableColumns(trx, table);
  const parts = [
    // What somebody has added to the table, its partitions need too: it attaches no others.
    sql`
      create table ${sql.table(name)} (
        like ${sql.table(table)} including defaults including constraints including generated
      )`,
    sql`alter table ${sql.table(name)} add constraint ${check} check (${inRange})`,
    ...(standard === undefined
      ? []
      : [
          sql`
            with moved as (
              delete from only ${sql.table(standard)} where ${inRange} returning *
            )
            insert into ${sql.table(name)} (${sql.join(names.map((each) => sql.ref(each)))})
            select ${sql.join(names.map((each) => movedColumn(each, standard)))} from moved`,
        ]),
    sql`
      alter table ${sql.table(table)} attach partition ${sql.table(name)}
      for values from (${from}) to (${bound(toMs)})`,
    sql`alter table ${sql.table(name)} drop constraint ${check}`,
  ];
  for (const part of parts) await part.execute(trx);
}
