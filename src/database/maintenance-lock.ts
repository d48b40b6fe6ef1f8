import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { transactionStartOf } from '../postgres/client.ts';

/** An arbitrary number that only this program uses as an advisory lock. */
const maintenanceLock = 8_002_001;
const askAgainMs = 100;
const keepaliveMs = 5000;
/** An owner that says nothing for so long has died. */
const ownerSilenceMsMax = 20_000;

/**
 * Runs a task that changes the schema while no other collector on it does. The lock lives and dies
 * with a transaction in which nothing else happens, so that a pooler can't lose it or pass it on;
 * the task has transactions of its own. Whoever waits asks again and again: waiting inside of
 * PostgreSQL would take up connections of a pooler that the owner needs to come to its end.
 */
export async function withMaintenanceLock<T>(pool: pg.Pool, task: () => Promise<T>): Promise<T> {
  const client = await takeLock(pool);
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

async function takeLock(pool: pg.Pool): Promise<pg.PoolClient> {
  for (;;) {
    const client = await pool.connect();
    try {
      if (await tryLock(client)) return client;
      await client.query('rollback');
    } catch (error) {
      client.release(true);
      throw error;
    }
    client.release();
    await sleep(askAgainMs * (0.5 + Math.random()));
  }
}

/** The first release knows one lock for the whole database: in `public` it is the same one. */
async function tryLock(client: pg.PoolClient): Promise<boolean> {
  await client.query(transactionStartOf(client)?.begin() ?? 'begin');
  await client.query(`set local idle_in_transaction_session_timeout = ${ownerSilenceMsMax}`);
  const { rows } = await client.query(
    `select pg_try_advisory_xact_lock($1::bigint + case current_schema()
      when 'public' then 0 else hashtext(current_schema())::bigint << 32 end) as taken`,
    [maintenanceLock],
  );
  return rows[0].taken;
}
