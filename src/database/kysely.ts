import { Kysely } from 'kysely';
import type pg from 'pg';
import { SettledDialect } from '../postgres/dialect.ts';
import { OwnPath } from './own-path.ts';
import type { Database } from './schema.ts';

const paths = new WeakMap<pg.Pool, OwnPath>();

/** Kysely over the connections of a pool, each lent for a transaction or a query at a time. */
export function createKysely(pool: pg.Pool): Kysely<Database> {
  const path = paths.get(pool) ?? new OwnPath();
  paths.set(pool, path);
  const connect = async () => {
    const client = await pool.connect();
    return { client, release: (discard?: boolean) => client.release(discard) };
  };
  return new Kysely({ dialect: new SettledDialect({ connect, end: () => pool.end() }, path) });
}

/** On one connection, which stays lent to whoever calls this. */
export function createKyselyOn(client: pg.PoolClient): Kysely<Database> {
  const connect = async () => ({ client, release: () => {} });
  return new Kysely({ dialect: new SettledDialect({ connect, end: async () => {} }) });
}
