import { sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Database } from '../database/schema.ts';
import { readTuple } from '../records/tuples.ts';
import type { Table } from './copy.ts';
import { tableIn } from './schema-in-use.ts';

/** Stores a row by INSERT, of which a cluster tells with its own SQLSTATE what is wrong with it. */
export async function insertRow(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  table: Table,
  row: Uint8Array,
): Promise<void> {
  const values = Object.entries(readTuple(row, table, true));
  await sql`
    insert into ${tableIn(client, table.name)} (${sql.join(values.map(([column]) => sql.ref(column)))})
    values (${sql.join(values.map(([, value]) => sql`${String(value)}`))})`.execute(trx);
}
