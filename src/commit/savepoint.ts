import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError } from '../database/sqlstate.ts';

export type Tried<T> = { readonly value: T } | { readonly reason: string };

/**
 * Does some work in a savepoint: where PostgreSQL refuses its data, that much is undone and the
 * reason returned. Any other failure is thrown, classified.
 */
export async function tryData<T>(
  trx: Transaction<Database>,
  work: () => Promise<T>,
): Promise<Tried<T>> {
  await sql`savepoint part`.execute(trx);
  try {
    const value = await work();
    await sql`release savepoint part`.execute(trx);
    return { value };
  } catch (error) {
    const classified = classifyDatabaseError(error);
    if (classified.kind !== 'permanent') throw classified;
    await sql`rollback to savepoint part`.execute(trx);
    return { reason: classified.message };
  }
}
