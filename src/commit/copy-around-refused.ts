import type { Transaction } from 'kysely';
import type pg from 'pg';
import type { EncodedRows } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import type { tables } from '../records/tables.ts';
import { splitTuples } from '../records/tuples.ts';
import { aroundRefused } from './around-refused.ts';
import { copyRows } from './copy-rows.ts';

type Table = (typeof tables)[keyof typeof tables];

export interface RefusedRow {
  readonly table: Table['name'];
  readonly row: Uint8Array;
  readonly reason: string;
}

/** Loads rows of which PostgreSQL refuses some, and resolves with these. */
export async function copyAroundRefused(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  table: Table,
  { copy }: EncodedRows,
): Promise<RefusedRow[]> {
  const refused = await aroundRefused(trx, splitTuples(copy), (rows) =>
    copyRows(client, [{ table, rows }]),
  );
  return [...refused].map(([row, reason]) => ({ table: table.name, row, reason }));
}
