import { type Kysely, type RawBuilder, sql } from 'kysely';
import type pg from 'pg';
import { isDistributed } from '../database/cluster/layout.ts';
import { withMaintenanceLock } from '../database/maintenance-lock.ts';
import { ensurePartitions } from '../database/partitions.ts';
import type { Database } from '../database/schema.ts';
import { type RecordKind, tables } from '../records/tables.ts';
import { levelFloor, rowsFloor } from '../rollup/floors.ts';
import { isUnread } from '../rollup/history.ts';
import { repairBeforehand } from '../rollup/repair.ts';
import type { Level, Shape } from '../rollup/shapes.ts';
import { lockState, type RollupAccess } from '../rollup/state.ts';
import { sweepLeaf } from '../rollup/sweep.ts';
import { dayMs } from '../units.ts';

/** As many as are deleted in one transaction, which holds nobody off. */
const deletedTogether = 5000;
/** Days whose partitions are made in one pass. */
const daysTogether = 31;
/** What is older than that stays where it is. */
const movedMsMax = 366 * dayMs;

/** Deletes rows in small transactions; resolves with how many there were. */
async function deleteAged(
  db: Kysely<Database>,
  table: string,
  condition: RawBuilder<unknown>,
  floor?: { readonly column: string; readonly ms: number },
  atOnce = false,
): Promise<number> {
  const which = atOnce
    ? condition
    : sql`ctid = any(array(
        select ctid from only ${sql.table(table)} where ${condition} limit ${deletedTogether}
      ))`;
  let deleted = 0;
  for (let some = deletedTogether; some === deletedTogether; deleted += some) {
    some = await db.transaction().execute(async (trx) => {
      if (floor) await lockState(trx, true);
      const { numAffectedRows } = await sql`
        delete from only ${sql.table(table)} where ${which}`.execute(trx);
      const count = Number(numAffectedRows ?? 0);
      if (floor && count > 0) {
        const column = sql.ref(floor.column);
        await sql`
          update rollup_state set ${column} = greatest(${column}, ${new Date(floor.ms)})`.execute(
          trx,
        );
      }
      return count;
    });
  }
  return deleted;
}

const before = (column: string, ms: number) => sql`${sql.ref(column)} < ${new Date(ms)}`;

/** Totals of a level from before a time. */
export const deleteTotals = (db: Kysely<Database>, shape: Shape, level: Level, beforeMs: number) =>
  deleteAged(db, shape.levelTables[level], before('bucket', beforeMs), {
    column: levelFloor[level],
    ms: beforeMs,
  });

export const deleteAudit = (db: Kysely<Database>, beforeMs: number) =>
  deleteAged(db, 'telemetry_audit', before('recorded_at', beforeMs));

/** Those of adopted rows only where these are dropped too: `legacy drop` looks for them. */
export const deleteDeadLetters = (db: Kysely<Database>, beforeMs: number, dropsAdopted: boolean) =>
  deleteAged(
    db,
    'dead_letters',
    sql`${before('created_at', beforeMs)} and (${dropsAdopted} or not payload ? 'row')`,
  );

/** Where rows are that can't be dropped by the day. */
export interface Strays {
  readonly kind: RecordKind;
  /** The default partition, or that of rows from before all days. */
  readonly leaf: string;
  /** What is older is removed; -Infinity: nothing. */
  readonly beforeMs: number;
  /** Adopted rows of before stay. */
  readonly adoptedUntilMs: number;
}

/**
 * Deletes rows of a partition that holds many days. Nothing of it before its rows are rolled up.
 */
export async function deleteStrays(
  db: Kysely<Database>,
  rollups: RollupAccess,
  { kind, leaf, beforeMs, adoptedUntilMs }: Strays,
): Promise<number> {
  const isOld = sql`${before('timestamp', beforeMs)} and ${notBefore(adoptedUntilMs)}`;
  const { rows } = await sql`
    select 1 from only ${sql.table(leaf)} where ${isOld} limit 1`.execute(db);
  if (rows.length === 0 || (await hasUnread(db, kind, leaf))) return 0;
  const series = rollups.series.find(({ shape }) => shape.kind === kind);
  const never = new AbortController().signal;
  if (series) {
    await sweepLeaf(db, rollups.writer, series, leaf, never);
    await repairBeforehand(db, rollups.writer, series);
    if (await isToBeRepaired(db, kind, beforeMs)) return 0;
  }
  const condition = series ? sql`${isOld} and rolled is not false` : isOld;
  const floor = { column: rowsFloor[kind], ms: beforeMs };
  // On workers a place is one of a shard: there all go at once.
  const atOnce = await isDistributed(db, tables[kind].name);
  return await deleteAged(db, leaf, condition, floor, atOnce);
}

/** Whether a least or greatest value of before is still to be found among the rows. */
async function isToBeRepaired(
  db: Kysely<Database>,
  kind: RecordKind,
  beforeMs: number,
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from rollup_repairs
    where kind = ${kind} and bucket < ${new Date(beforeMs)} limit 1`.execute(db);
  return rows.length > 0;
}

const notBefore = (ms: number) =>
  ms === -Infinity ? sql`true` : sql`"timestamp" >= ${new Date(ms)}`;

/**
 * Makes partitions for the days of rows in the default partition that no maintenance moves out of
 * it, being older than what may be sent.
 */
export async function moveStrays(
  db: Kysely<Database>,
  pool: pg.Pool,
  kind: RecordKind,
  fromMs: number,
  toMs: number,
): Promise<void> {
  const table = tables[kind].name;
  const standard = `${table}_default`;
  const time = sql.ref('timestamp');
  const { rows } = await sql<{ ms: number }>`
    select distinct
      floor(extract(epoch from ${time}) * 1000 / ${sql.lit(dayMs)})::bigint * ${sql.lit(dayMs)} as ms
    from only ${sql.table(standard)}
    where ${notBefore(Math.max(fromMs, toMs - movedMsMax))} and ${before('timestamp', toMs)}
    limit ${daysTogether}`.execute(db);
  if (rows.length === 0 || (await hasUnread(db, kind, standard))) return;
  for (const { ms } of rows) {
    const window = { table, fromMs: ms, toMs: ms };
    await withMaintenanceLock(pool, () => ensurePartitions(db, window));
  }
}

async function hasUnread(db: Kysely<Database>, kind: string, leaf: string): Promise<boolean> {
  const { rows } = await sql`select where ${isUnread(kind, sql`${leaf}`)}`.execute(db);
  return rows.length > 0;
}
