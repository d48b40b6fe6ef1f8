import { type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';

/**
 * From now on workers begin no transaction for what a question reads: to begin and end one takes
 * them longer than to find a page. What is read by several statements need not be of one moment.
 */
export async function readBySingleStatements(trx: Kysely<Database>): Promise<void> {
  await sql`set local citus.select_opens_transaction_block = off`.execute(trx);
}
