import pg from 'pg';
import type { TestDatabase } from './database.ts';

/** Makes a database refuse everybody, until the returned function is called. */
export async function beginOutage(
  database: Pick<TestDatabase, 'url'>,
): Promise<() => Promise<void>> {
  const url = new URL(database.url);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: url.toString() });
  await admin.connect();
  await admin.query(`alter database ${name} allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
    name,
  ]);
  return async () => {
    await admin.query(`alter database ${name} allow_connections true`);
    await admin.end();
  };
}
