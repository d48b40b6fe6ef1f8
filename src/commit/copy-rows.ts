import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EncodedRows } from '../buffer/batch.ts';
import type { tables } from '../event-types.ts';

/** Signature, no flags, no extension: https://www.postgresql.org/docs/current/sql-copy.html */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);

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
  const sink = client.query(
    copyFrom(`copy "${table.name}" (${columns}) from stdin (format binary)`),
  );
  // As one piece: many small ones cost more than copying them together does.
  sink.end(Buffer.concat([header, ...rows.map((part) => part.copy), trailer]));
  await finished(sink);
}
