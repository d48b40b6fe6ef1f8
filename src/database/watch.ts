import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { StartError } from '../errors.ts';
import type { Clock } from '../observe/clock.ts';
import type { Health } from '../observe/health.ts';
import { pause } from '../pause.ts';
import { hasCitus } from './cluster/layout.ts';
import { absentNodes } from './cluster/nodes.ts';
import { clusterWarnings } from './cluster/requirements.ts';
import { createKysely } from './kysely.ts';
import { timeByIdsMs } from './ledger-span.ts';

const checkMsMax = 2000;
const checkClusterEveryMs = 3000;
const askIdsEveryMs = 30_000;

/** The oldest server that is supported, as `server_version_num` gives it. */
const serverVersionMin = 150_000;

/** Resolves with what is wrong with the database, undefined when nothing is; compares its clock. */
export async function databaseObstacle(pool: pg.Pool, clock?: Clock): Promise<Error | undefined> {
  let client: pg.PoolClient | undefined;
  try {
    client = await pool.connect();
    const askedMs = Date.now();
    const { rows } = await Promise.race([
      client.query(
        `select pg_is_in_recovery() as read_only,
          (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms`,
      ),
      failLate(),
    ]);
    clock?.compare(askedMs, rows[0].now_ms, Date.now());
    client.release();
    return rows[0].read_only
      ? new Error('the server is a standby, which takes no data')
      : undefined;
  } catch (error) {
    // A connection that does not answer must not be lent again.
    client?.release(true);
    return error as Error;
  }
}

async function failLate(): Promise<never> {
  await sleep(checkMsMax, undefined, { ref: false });
  throw new Error(`no answer within ${checkMsMax} ms`);
}

/**
 * Compares the clock with the ids in the ledger too, until the signal: where the database is on this
 * machine, its clock is the same.
 */
export async function watchIds(pool: pg.Pool, clock: Clock, signal: AbortSignal): Promise<void> {
  const db = createKysely(pool);
  while (!signal.aborted) {
    await timeByIdsMs(db, Date.now()).then(
      (ms) => clock.believe(ms),
      // Of the database and its tables somebody else tells.
      () => {},
    );
    await pause(askIdsEveryMs, signal);
  }
}

/**
 * Tells which servers of a cluster are away, until the signal. That is not in the way either: what
 * would go to them is spooled, with all that was stored together with it.
 */
export async function watchCluster(
  pool: pg.Pool,
  health: Health,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (health.isWell('database')) {
      const error = await clusterObstacle(pool);
      health.report('cluster', error?.message, false, error);
    }
    await pause(checkClusterEveryMs, signal);
  }
}

async function clusterObstacle(pool: pg.Pool): Promise<Error | undefined> {
  try {
    const db = createKysely(pool);
    if (!(await hasCitus(db))) return undefined;
    const absent = await absentNodes(db);
    return absent === undefined ? undefined : new Error(absent);
  } catch {
    // Of the coordinator somebody else tells.
    return undefined;
  }
}

/** Throws a `StartError` for a server that can't be used; returns warnings about settings that endanger data. */
export async function checkServer(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    `select current_setting('server_version_num')::int as number,
      current_setting('server_version') as version,
      current_setting('server_encoding') as encoding,
      current_setting('fsync') as fsync,
      current_setting('full_page_writes') as full_page_writes`,
  );
  const server = rows[0];
  if (server.number < serverVersionMin) {
    throw new StartError(`PostgreSQL ${server.version} is too old: 15 to 18 are supported`);
  }
  if (server.encoding !== 'UTF8') {
    throw new StartError(
      `the database has the encoding ${server.encoding}, in which not every text can be stored: create one with encoding UTF8`,
    );
  }
  const warnings = ['fsync', 'full_page_writes']
    .filter((setting) => server[setting] !== 'on')
    .map((setting) => `${setting} is off on the server: a crash of it can lose acknowledged data`);
  return [...warnings, ...(await clusterWarnings(pool))];
}
