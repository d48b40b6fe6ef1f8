import type { TestDatabase } from './database.ts';

/** Whoever changes tables under those who use them may be the one whom PostgreSQL ends. */
export async function unlessDeadlocked(database: TestDatabase, statement: string): Promise<void> {
  const attempt = () => database.rows(statement);
  await attempt().catch((error) => {
    if (error.code !== '40P01') throw error;
    return attempt();
  });
}
