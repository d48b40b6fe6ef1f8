import pg from 'pg';
import { inject, type ProvidedContext } from 'vitest';
import { dataTables } from '../../src/database/expected-tables.ts';
import { CitusDatabases } from './citus.ts';

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
  /** Takes all rows out of some tables. */
  empty(...tables: readonly string[]): Promise<void>;
  drop(): Promise<void>;
}

let created = 0;

const spread: ReadonlySet<string> = new Set(dataTables);

const isChange = /^\s*(begin|alter|create|drop|truncate)\b/i;

const deadlockDetected = '40P01';

/** Whoever changes or holds tables under those who use them may be the one whom PostgreSQL ends. */
async function queryAgain(
  client: pg.ClientBase,
  query: string,
  values?: unknown[],
): Promise<pg.QueryResult> {
  for (;;) {
    try {
      return await client.query(query, values);
    } catch (error) {
      await client.query('rollback');
      if ((error as pg.DatabaseError).code !== deadlockDetected) throw error;
    }
  }
}

async function change(pool: pg.Pool, query: string, values?: unknown[]): Promise<pg.QueryResult> {
  const client = await pool.connect();
  try {
    return await queryAgain(client, query, values);
  } finally {
    client.release();
  }
}

/** Begins a transaction that holds a table, such as `usage_stats in share mode`. */
export const holdTable = (client: pg.ClientBase, lock: string): Promise<pg.QueryResult> =>
  queryAgain(client, `begin; lock table ${lock}`);

/** A database of the test's own: a clone of the migrated one, or an empty one. */
export async function createDatabase(
  kind: 'migrated' | 'empty' = 'migrated',
): Promise<TestDatabase> {
  const name = `test_${process.pid}_${created++}`;
  const citus = inject('citus');
  const { url, drop } = await (citus
    ? createOnCluster(citus, name, kind)
    : createOnServer(name, kind));
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => {});
  const rows: TestDatabase['rows'] = async (query, values) => {
    const isOfTables = isChange.test(query);
    return (await (isOfTables ? change(pool, query, values) : pool.query(query, values))).rows;
  };
  return {
    url,
    pool,
    rows,
    empty: async (...tables) => {
      // On a cluster each of their partitions is as many tables as there are shards.
      const isSpread = (table: string) => citus !== undefined && spread.has(table);
      for (const table of tables.filter(isSpread)) await rows(`delete from ${table}`);
      const others = tables.filter((table) => !isSpread(table));
      if (others.length > 0) await rows(`truncate ${others.join(', ')}`);
    },
    count: async (query) => Number(Object.values((await pool.query(query)).rows[0])[0]),
    drop: async () => {
      await pool.end();
      await drop();
    },
  };
}

interface Created {
  readonly url: string;
  drop(): Promise<void>;
}

async function createOnServer(name: string, kind: 'migrated' | 'empty'): Promise<Created> {
  const socket = inject('postgresSocket');
  const template = kind === 'migrated' ? templateName : 'template0';
  await runAsAdmin(`create database ${name} template ${template}`);
  return {
    url: databaseUrl(socket, name),
    drop: () => runAsAdmin(`drop database ${name} with (force)`),
  };

  async function runAsAdmin(query: string): Promise<void> {
    const admin = new pg.Client({ connectionString: databaseUrl(socket, 'postgres') });
    await admin.connect();
    await admin.query(query);
    await admin.end();
  }
}

async function createOnCluster(
  { url, template }: NonNullable<ProvidedContext['citus']>,
  name: string,
  kind: 'migrated' | 'empty',
): Promise<Created> {
  const databases = await CitusDatabases.open(url);
  await (kind === 'migrated' ? databases.copy(template, name) : databases.create(name));
  return { url: databases.urlOf(name), drop: () => databases.drop(name) };
}
