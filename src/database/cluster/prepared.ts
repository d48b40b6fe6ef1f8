import { type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';
import { hasCitus } from './layout.ts';

/**
 * Has transactions come to their end that were committed while a worker was away: what they stored
 * is safe, and can't be read before. Citus does so by itself within a minute.
 */
export async function finishPrepared(db: Kysely<Database>): Promise<void> {
  if (!(await hasCitus(db))) return;
  await sql`select recover_prepared_transactions()`.execute(db);
}
