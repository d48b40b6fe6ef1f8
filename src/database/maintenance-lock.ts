import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { transactionStartOf } from '../postgres/client.ts';

/** Arbitrary numbers that only this program uses as advisory locks. */
const locks = { maintenance: 8_002_001, retention: 8_002_002, verification: 8_002_003 } as const;

const askAgainMs = 100;
const keepaliveMs = 5000;
/** An owner that says nothing for so long has died. */
const ownerSilenceMsMax = 20_000;

/**
 * Runs a task that changes the schema while no other collector on it does. Whoever waits asks again
 * and again: waiting inside of PostgreSQL would take up connections of a pooler that the owner needs
 * to come to its end.
 */
export async function withMaintenanceLock<T>(pool: pg.Pool, task: () => Promise<T>): Promise<T> {
  for (;;) {
    const client = await takeLock(pool, locks.maintenance);
    if (client) return await holding(client, task);
    await sleep(askAgainMs * (0.5 + Math.random()));
  }
}

/** Runs work that one collector is enough for; undefined where another one is at it. */
export async function whereAlone<T>(
  pool: pg.Pool,
  work: 'retention' | 'verification',
  task: () => Promise<T>,
): Promise<T | undefined> {
  const client = await takeLock(pool, locks[work]);
  return client && (await holding(client, task));
}

/**
 * The lock lives and dies with a transaction in which nothing else happens, so that a pooler can't
 * lose it or pass it on; the task has transactions of its own.
 */
async function holding<T>(client: pg.PoolClient, task: () => Promise<T>): Promise<T> {
  const lost = Promise.withResolvers<never>();
  const keepalive = setInterval(() => client.query('select').catch(lost.reject), keepaliveMs);
  try {
    return await Promise.race([task(), lost.promise]);
  } finally {
    clearInterval(keepalive);
    await client.query('rollback').catch(() => {});
    client.release();
  }
}

/** The connection that holds it; undefined where somebody else does. */
async function takeLock(pool: pg.Pool, lock: number): Promise<pg.PoolClient | undefined> {
  const client = await pool.connect();
  let isTaken = false;
  try {
    isTaken = await tryLock(client, lock);
    if (!isTaken) await client.query('rollback');
  } catch (error) {
    client.release(true);
    throw error;
  }
  if (isTaken) return client;
  client.release();
  return undefined;
}

/** The first release knows one lock for the whole database: in `public` it is the same one. */
async function tryLock(client: pg.PoolClient, lock: number): Promise<boolean> {
  await client.query(transactionStartOf(client)?.begin() ?? 'begin');
  await client.query(`set local idle_in_transaction_session_timeout = ${ownerSilenceMsMax}`);
  const { rows } = await client.query(
    `select pg_try_advisory_xact_lock($1::bigint + case current_schema()
      when 'public' then 0 else hashtext(current_schema())::bigint << 32 end) as taken`,
    [lock],
  );
  return rows[0].taken;
}
