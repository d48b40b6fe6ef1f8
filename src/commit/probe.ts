import type pg from 'pg';
import type { Batch } from '../buffer/batch.ts';
import { isDataFault } from '../postgres/sqlstate.ts';
import { byKind, type RecordKind, tables } from '../records/tables.ts';
import { joinTuple, postgresTimestamp } from '../records/tuples.ts';
import { newUuidV7, uuidBytes } from '../uuid.ts';
import { copyRows, type Load } from './copy.ts';
import { newClaims } from './ledger.ts';

/**
 * Writes a row to the ledger and to each of the tables that such records go to, and takes all of
 * it back, in a transaction that goes on: throws what is in the way of every write.
 */
export async function probe(client: pg.ClientBase, kinds: readonly RecordKind[]): Promise<void> {
  await client.query('savepoint probe');
  try {
    await copyRows(client, [newClaims({ id: newUuidV7(), batches: [anyBatch()] })]);
    for (const kind of kinds) await copyRows(client, [anyRow(kind)]);
  } catch (error) {
    // It has been looked at: rows that please the database would be taken.
    if (!isDataFault(error)) throw error;
  } finally {
    await client.query('rollback to savepoint probe');
  }
}

function anyBatch(): Batch {
  const none = byKind(() => 0);
  return {
    id: newUuidV7(),
    fingerprint: new Uint8Array(16),
    rows: byKind(() => ({ count: 0, copy: new Uint8Array() })),
    answer: { stored: none, rejected: none, rejections: [] },
  };
}

/** A row that a table takes if it takes any. */
function anyRow(kind: RecordKind): Load {
  const now = postgresTimestamp(Date.now());
  const values: Readonly<Record<string, Uint8Array>> = {
    id: uuidBytes(newUuidV7()),
    timestamp: now,
    observed_at: now,
    event_type: Buffer.from('PROBE'),
    model: Buffer.from('probe'),
  };
  const fields = tables[kind].columns.map((column) => values[column] ?? null);
  return { table: tables[kind], rows: [joinTuple(fields)] };
}
