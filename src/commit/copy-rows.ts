import type pg from 'pg';
import type { EncodedRows } from '../buffer/batch.ts';
import type { tables } from '../event-types.ts';
import { CopyIn } from './copy-in.ts';

/** Signature, no flags, no extension: https://www.postgresql.org/docs/current/sql-copy.html */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);
/** Writing a part by itself costs more than copying so many bytes does. */
const smallBytes = 16 * 1024;

type Table = (typeof tables)[keyof typeof tables];

/**
 * Loads encoded rows by binary COPY, on the connection of the transaction that is open on
 * `client`. This is the one place that goes past Kysely.
 */
export async function copyRows(
  client: pg.ClientBase,
  table: Table,
  rows: readonly EncodedRows[],
): Promise<void> {
  const columns = table.columns.map((column) => `"${column}"`).join(', ');
  const statement = `copy "${table.name}" (${columns}) from stdin (format binary)`;
  const parts = joinSmall([header, ...rows.map(({ copy }) => copy), trailer]);
  await client.query(new CopyIn(statement, parts)).done;
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
