import type { ClientBase, DatabaseError } from 'pg';

const deadlockDetected = '40P01';

/**
 * Begins a transaction that holds a table, such as `usage_stats in share mode`: again where
 * PostgreSQL ends it because those who use the table have locked it the other way round.
 */
export async function holdTable(client: ClientBase, lock: string): Promise<void> {
  for (;;) {
    try {
      await client.query(`begin; lock table ${lock}`);
      return;
    } catch (error) {
      await client.query('rollback');
      if ((error as DatabaseError).code !== deadlockDetected) throw error;
    }
  }
}
