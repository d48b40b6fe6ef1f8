import pg from 'pg';
import { inject } from 'vitest';

export const templateName = 'telemetry_template';

export function databaseUrl(socketDirectory: string, database: string): string {
  return `postgresql://postgres@localhost/${database}?host=${encodeURIComponent(socketDirectory)}`;
}

export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /** The rows of a query. */
  rows<Row = Record<string, unknown>>(query: string, values?: unknown[]): Promise<Row[]>;
  /** The number in the first column of the first row. */
  count(query: string): Promise<number>;
  drop(): Promise<void>;
}

let created = 0;

/** A database of the test's own: a clone of the migrated one, or an empty one. */
export async function createDatabase(
  kind: 'migrated' | 'empty' = 'migrated',
): Promise<TestDatabase> {
  const socket = inject('postgresSocket');
  const name = `test_${process.pid}_${created++}`;
  const template = kind === 'migrated' ? templateName : 'template0';
  await runAsAdmin(`create database ${name} template ${template}`);
  const url = databaseUrl(socket, name);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => {});
  return {
    url,
    pool,
    rows: async (query, values) => (await pool.query(query, values)).rows,
    count: async (query) => Number(Object.values((await pool.query(query)).rows[0])[0]),
    drop: async () => {
      await pool.end();
      await runAsAdmin(`drop database ${name} with (force)`);
    },
  };

  async function runAsAdmin(query: string): Promise<void> {
    const admin = new pg.Client({ connectionString: databaseUrl(socket, 'postgres') });
    await admin.connect();
    await admin.query(query);
    await admin.end();
  }
}
