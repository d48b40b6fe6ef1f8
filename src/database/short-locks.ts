import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { errorMessage } from '../errors.ts';
import type { Database } from './schema.ts';

/** How long DDL waits for a lock, with writers queueing behind it; after each try they go on. */
const lockMs: readonly number[] = [250, 500, 1000, 2000, 4000];

/**
 * DDL beside writers: short waits for locks, of `triesMs` each, tried again when writers have had
 * their turn.
 */
export async function withShortLocks<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>, lockMs: number) => Promise<T>,
  triesMs = lockMs,
): Promise<T> {
  for (const [index, ms] of triesMs.entries()) {
    try {
      return await db.transaction().execute(async (trx) => {
        await sql`set local lock_timeout = ${sql.lit(ms)}`.execute(trx);
        return await work(trx, ms);
      });
    } catch (error) {
      if (isLackOfRights(error)) throw new LackOfRights(errorMessage(error));
      if (!isLockFailure(error) || index === triesMs.length - 1) throw error;
      await sleep(ms);
    }
  }
  throw new Error('unreachable');
}

/** The role that runs the collector need not be the one that owns the tables. */
class LackOfRights extends Error {
  constructor(what: string) {
    super(`${what}: run "gravitas-telemetry migrate" as the role that owns the tables`);
  }
}

export function isLackOfRights(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '42501';
}

/** A lock that was not to be had in time, or a deadlock. */
function isLockFailure(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ['55P03', '40P01'].includes(error.code ?? '');
}
