import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type pg from 'pg';
import type { Logger } from '../observe/logger.ts';
import * as initial from './migrations/0001-initial.ts';
import { createKysely } from './pool.ts';
import type { Database } from './schema.ts';

/** Every migration there is, in order. One that has been released never changes. */
const migrations = { '0001-initial': initial };

/** An arbitrary number that only this program uses as an advisory lock. */
const maintenanceLock = 8_002_001;

/**
 * Runs a task that changes the schema while no other collector does. The lock belongs to a
 * connection of its own: a collector that dies lets go of it.
 */
export async function withMaintenanceLock<T>(pool: pg.Pool, task: () => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('set lock_timeout = 0; set statement_timeout = 0');
    await client.query('select pg_advisory_lock($1)', [maintenanceLock]);
    return await task();
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    // Closing the connection releases the lock and forgets the settings.
    client.release(failure ?? true);
  }
}

/** Brings the schema up to date; several collectors may do so at once. */
export async function migrateToLatest(pool: pg.Pool, logger: Logger): Promise<void> {
  await withMaintenanceLock(pool, async () => {
    const migrator = new Migrator({
      db: createKysely(pool) as Kysely<Database>,
      provider: { getMigrations: async () => migrations },
      migrationTableName: 'telemetry_migration',
      migrationLockTableName: 'telemetry_migration_lock',
    });
    const { error, results } = await migrator.migrateToLatest();
    for (const result of results ?? []) {
      logger.info({ migration: result.migrationName, status: result.status }, 'migration');
    }
    if (error) throw error;
  });
}
