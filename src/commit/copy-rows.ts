import type pg from 'pg';
import { CopyIn } from './copy-in.ts';

/** Signature, no flags, no extension: https://www.postgresql.org/docs/current/sql-copy.html */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);

/** Rows for a table, as tuples of PostgreSQL's binary COPY format, in parts. */
export interface Load {
  readonly table: { readonly name: string; readonly columns: readonly string[] };
  readonly rows: readonly Uint8Array[];
}

/**
 * Loads rows by binary COPY, all of them in one transaction: the one that is open on `client`, or
 * one of their own. This is the one place that goes past Kysely.
 */
export async function copyRows(client: pg.ClientBase, loads: readonly Load[]): Promise<void> {
  const copies = loads.map(({ table, rows }) => ({
    statement: `copy "${table.name}" (${table.columns.map((column) => `"${column}"`).join(', ')}) from stdin (format binary)`,
    parts: [header, ...rows, trailer],
  }));
  await client.query(new CopyIn(copies)).done;
}
