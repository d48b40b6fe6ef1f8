import { type Kysely, sql } from 'kysely';
import { partitionsOf } from '../database/catalog.ts';
import type { Database } from '../database/schema.ts';
import { withShortLocks } from '../database/short-locks.ts';
import { rowsFloor } from '../rollup/floors.ts';
import { waiting } from '../rollup/fold.ts';
import { isUnread } from '../rollup/history.ts';
import { repairBeforehand } from '../rollup/repair.ts';
import type { SeriesCache } from '../rollup/series-cache.ts';
import type { Shape } from '../rollup/shapes.ts';
import { lockState, timeOf as quarterTime, type RollupAccess, type Trx } from '../rollup/state.ts';
import { claim, sweepLeaf } from '../rollup/sweep.ts';
import type { Leaf } from './leaves.ts';

/** How long others wait behind each try, less than what a commit may take. */
const triesMs = [50, 100, 150, 200, 200];
/** How long the rollups of others may take. */
const stateMs = 10_000;

/**
 * Removes all rows of a partition, for good, when each of them is rolled up; what remains is an
 * empty partition. In one transaction with the floor below which nothing is computed from rows any
 * more. It waits for no one but those who read or write this very partition. False where somebody
 * else was faster.
 */
export async function emptyLeaf(
  db: Kysely<Database>,
  rollups: RollupAccess,
  leaf: Leaf,
  reason: 'age' | 'size',
): Promise<boolean> {
  const series = rollups.series.find(({ shape }) => shape.kind === leaf.kind);
  const never = new AbortController().signal;
  // Most of it beforehand: while the rest is claimed, writers may wait.
  if (series) {
    await sweepLeaf(db, rollups.writer, series, leaf.name, never);
    await repairBeforehand(db, rollups.writer, series);
  }
  return await withShortLocks(
    db,
    async (trx, lockMs) => {
      // Nobody waits behind this one: those who fold pass it by.
      await sql`set local lock_timeout = ${sql.lit(stateMs)}`.execute(trx);
      await lockState(trx, true);
      await sql`set local lock_timeout = ${sql.lit(lockMs)}`.execute(trx);
      await sql`lock table only ${sql.table(leaf.name)} in access exclusive mode`.execute(trx);
      if (!(await isAsSeen(trx, leaf))) return false;
      if (series) await refuseUnrolled(trx, series, leaf);
      await raiseFloor(trx, leaf);
      await note(trx, leaf, reason);
      await sql`truncate only ${sql.table(leaf.name)}`.execute(trx);
      return true;
    },
    triesMs,
  );
}

/** Whether it is still that partition of the table, and has rows. */
async function isAsSeen(trx: Trx, { table, name, toMs }: Leaf): Promise<boolean> {
  const found = (await partitionsOf(trx, table)).find((each) => each.name === name);
  if (found?.toMs !== toMs) return false;
  const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(trx);
  return rows.length > 0;
}

const timeOf = (ms: number) =>
  ms === -Infinity ? sql`'-infinity'::timestamptz` : sql`${new Date(ms)}::timestamptz`;

/** Not rolled up at all, or a least or greatest value still to be found among the rows. */
async function refuseUnrolled(trx: Trx, { shape }: SeriesCache, leaf: Leaf): Promise<void> {
  await claim(trx, shape, leaf.name);
  const { rows } = await sql`
    select 1 from ${sql.table(leaf.name)} where rolled is false
    union all
    select 1 where ${isUnread(shape.kind, sql`${leaf.name}`)}
    union all
    select 1 from rollup_repairs
    where kind = ${shape.kind} and bucket >= ${timeOf(leaf.fromMs)} and bucket < ${timeOf(leaf.toMs)}
    limit 1`.execute(trx);
  if (rows.length > 0 || (await hasRemoved(trx, shape, leaf))) {
    throw new Error(`rows of ${leaf.name} are not rolled up yet`);
  }
}

/** Whether a value was taken away that is not folded yet. */
async function hasRemoved(trx: Trx, shape: Shape, { fromMs, toMs }: Leaf): Promise<boolean> {
  const totals = await waiting(trx, shape);
  const { firsts, size } = totals.places;
  return firsts.subarray(0, size).some((quarter, place) => {
    const ms = quarterTime(quarter).getTime();
    return ms >= fromMs && ms < toMs && totals.isRemovedFrom(place);
  });
}

async function raiseFloor(trx: Trx, { kind, toMs }: Leaf): Promise<void> {
  const floor = sql.ref(rowsFloor[kind]);
  await sql`
    update rollup_state set ${floor} = greatest(${floor}, ${timeOf(toMs)})`.execute(trx);
}

async function note(trx: Trx, leaf: Leaf, reason: string): Promise<void> {
  await sql`
    insert into retention_drops (table_name, partition_name, from_time, to_time, bytes, reason)
    values (${leaf.table}, ${leaf.name}, ${timeOf(leaf.fromMs)}, ${timeOf(leaf.toMs)}, ${leaf.bytes}, ${reason})`.execute(
    trx,
  );
}

/**
 * Drops a partition that has no rows any more. This wants the table itself: locked in the order of
 * writers, it can't deadlock them. False where it has got rows meanwhile.
 */
export async function dropEmptyLeaf(
  db: Kysely<Database>,
  { kind, table, name }: Leaf,
): Promise<boolean> {
  return await withShortLocks(
    db,
    async (trx) => {
      await sql`lock table only ${sql.table(table)} in access exclusive mode`.execute(trx);
      const found = (await partitionsOf(trx, table)).some((each) => each.name === name);
      if (!found) return false;
      await sql`lock table only ${sql.table(name)} in access exclusive mode`.execute(trx);
      const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(trx);
      if (rows.length > 0) return false;
      await sql`drop table ${sql.table(name)}`.execute(trx);
      await sql`
        delete from rollup_history where kind = ${kind} and partition_name = ${name}`.execute(trx);
      return true;
    },
    triesMs,
  );
}
