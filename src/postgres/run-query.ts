import pg from 'pg';
import { transactionStartOf } from './client.ts';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: VACUUM, for example. */
const notInTransaction = '25001';

/** Runs one query of an operator in a transaction with our settings, or without where it has to be. */
export async function runQuery(pool: pg.Pool, text: string): Promise<pg.QueryResult> {
  const client = await pool.connect();
  try {
    await client.query(transactionStartOf(client)?.begin() ?? 'begin');
    const result = await client.query(text);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    if (!(error instanceof pg.DatabaseError) || error.code !== notInTransaction) throw error;
    return await client.query(text);
  } finally {
    // It may have set anything.
    client.release(true);
  }
}
