import type pg from 'pg';
import { CopyIn } from './copy-in.ts';

/** Signature, no flags, no extension: https://www.postgresql.org/docs/current/sql-copy.html */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);
/** Writing a part by itself costs more than copying so many bytes does. */
const smallBytes = 16 * 1024;

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
    parts: joinSmall([header, ...rows, trailer]),
  }));
  await client.query(new CopyIn(copies)).done;
}

/** Joins neighbours that are small. */
function joinSmall(parts: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    if (small.length > 0) joined.push(Buffer.concat(small));
    small = [];
  };
  for (const part of parts) {
    if (part.byteLength <= smallBytes) {
      small.push(part);
    } else {
      flush();
      joined.push(part);
    }
  }
  flush();
  return joined;
}
