import { Kysely } from 'kysely';
import type pg from 'pg';
import { SettledDialect } from '../postgres/dialect.ts';
import { expectedNames } from './expected-tables.ts';
import type { Database } from './schema.ts';

/**
 * Leaves the schemas of other installations out of the search path, but not those with functions
 * that triggers of ours may need: should a table of ours be gone, nothing is read from, written to
 * or done to another's of that name.
 */
const nobodyElses = `
  select set_config('search_path', string_agg(quote_ident(schema), ', ' order by place) || ', pg_temp', true)
  from unnest(current_schemas(false)) with ordinality as path (schema, place)
  where schema = current_schema() or not exists (
    select from pg_class join pg_namespace as space on space.oid = relnamespace
    where nspname = schema and relname in (${expectedNames.map((name) => `'${name}'`).join(', ')})
  )
  having count(*) > 0`;

/** Kysely over the connections of a pool, each lent for a transaction or a query at a time. */
export function createKysely(pool: pg.Pool): Kysely<Database> {
  const connect = async () => {
    const client = await pool.connect();
    return { client, release: (discard?: boolean) => client.release(discard) };
  };
  return new Kysely({
    dialect: new SettledDialect({ connect, end: () => pool.end() }, nobodyElses),
  });
}

/** On one connection, which stays lent to whoever calls this. */
export function createKyselyOn(client: pg.PoolClient): Kysely<Database> {
  const connect = async () => ({ client, release: () => {} });
  return new Kysely({ dialect: new SettledDialect({ connect, end: async () => {} }) });
}
