import { type RawBuilder, sql } from 'kysely';
import pg from 'pg';
import { transactionStartOf } from '../postgres/client.ts';

const known = new WeakMap<pg.ClientBase, string>();

/**
 * The schema that a connection's transactions write to, where that is known. Names that it
 * qualifies never mean another installation's table further down the search path, should ours be
 * gone.
 */
export const schemaInUse = (client: pg.ClientBase): string | undefined => known.get(client);

/** What names of a schema's tables begin with, in text; nothing where it is not known. */
export const schemaPrefix = (schema: string | undefined): string =>
  schema === undefined ? '' : `${pg.escapeIdentifier(schema)}.`;

/** A table of ours, for SQL that is written by hand. */
export function tableIn(client: pg.ClientBase, name: string): RawBuilder<unknown> {
  const schema = schemaInUse(client);
  return schema === undefined ? sql.id(name) : sql.id(schema, name);
}

/** Asks for it once, outside of all transactions. */
export async function findSchemaInUse(client: pg.ClientBase): Promise<void> {
  if (known.has(client)) return;
  const begin = transactionStartOf(client)?.begin() ?? 'begin';
  try {
    const results = await client.query(`${begin};select current_schema() as schema;commit`);
    const rows = (results as unknown as pg.QueryResult[]).flatMap((result) => result.rows);
    const schema = rows[0]?.schema;
    if (schema) known.set(client, schema);
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

const undefinedNames = ['42P01', '3F000'];

/** After a failure that a schema which is not in use any more would explain. */
export function doubtSchemaInUse(client: pg.ClientBase, error: unknown): void {
  if (error instanceof pg.DatabaseError && undefinedNames.includes(error.code ?? '')) {
    known.delete(client);
  }
}
