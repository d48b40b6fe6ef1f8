import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { createKysely } from './pool.ts';
import type { Database } from './schema.ts';

/** What a role or a database may have set against us; each is set for the transaction alone. */
const settings = {
  statement_timeout: '15min',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  lock_timeout: '60s',
  synchronous_commit: 'on',
  DateStyle: 'ISO',
} as const;

/** An arbitrary number that only this program uses as an advisory lock. */
const maintenanceLock = 8_002_001;

/** How long DDL waits for a lock, with writers queueing behind it; after each try they go on. */
const lockMs = [250, 500, 1000, 2000, 4000] as const;

/** A transaction that no setting of the role or the database can disturb. */
export async function upkeepTransaction<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return await db
    .transaction()
    .setAccessMode('read write')
    .setIsolationLevel('read committed')
    .execute(async (trx) => {
      // Not every version has every setting.
      await sql`
        select set_config(name, wanted.value, true)
        from pg_settings join json_each_text(${JSON.stringify(settings)}) as wanted (name, value)
          using (name)`.execute(trx);
      return await work(trx);
    });
}

/**
 * Runs a task that changes the schema while no other collector on the same schema does. The lock
 * lives and dies with a transaction, which a connection pooler keeps together.
 */
export async function withMaintenanceLock<T>(pool: pg.Pool, task: () => Promise<T>): Promise<T> {
  return await upkeepTransaction(createKysely(pool), async (trx) => {
    // The first release knows one lock for the whole database: in `public` it is the same one.
    await sql`
      select pg_advisory_xact_lock(${sql.lit(maintenanceLock)} + case current_schema()
        when 'public' then 0 else hashtext(current_schema())::bigint << 32 end)`.execute(trx);
    return await task();
  });
}

/** DDL beside writers: short waits for locks, tried again when writers have had their turn. */
export async function withShortLocks<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
): Promise<T> {
  for (const [index, ms] of lockMs.entries()) {
    try {
      return await upkeepTransaction(db, async (trx) => {
        await sql`set local lock_timeout = ${sql.lit(ms)}`.execute(trx);
        return await work(trx);
      });
    } catch (error) {
      if (!isLockFailure(error) || index === lockMs.length - 1) throw error;
      await sleep(ms);
    }
  }
  throw new Error('unreachable');
}

/** A lock that was not to be had in time, or a deadlock. */
function isLockFailure(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ['55P03', '40P01'].includes(error.code ?? '');
}
