import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Batch } from '../buffer/batch.ts';
import { isDataFault } from '../postgres/sqlstate.ts';
import { idBeside } from '../records/joined-ids.ts';
import { byKind, type RecordKind, recordKinds, tables } from '../records/tables.ts';
import { joinTuple, postgresTimestamp, readRowStart } from '../records/tuples.ts';
import { dayMs } from '../units.ts';
import { newUuidV7, newUuidV7Bytes, uuidV7AtMs, uuidV7TimeMs } from '../uuid.ts';
import { copyRows, type Load } from './copy.ts';
import { rowsOf } from './divide.ts';
import { newClaims } from './ledger.ts';
import { claimsTable } from './new-calls.ts';

/** What the row of a probe has in common with others. */
export interface Sample {
  readonly kind: RecordKind;
  readonly timestampMs: number;
  /** Of its content. */
  readonly bytes?: number;
  /** The id of a row of a cluster, beside which it is to lie. */
  readonly beside?: Uint8Array;
}

/**
 * Writes entries to the ledger and rows to the tables, where such go to as are named, and takes all
 * of it back, in a transaction that goes on: throws what is in the way of every write.
 */
export async function probe(
  client: pg.ClientBase,
  samples: readonly Sample[],
  batchTimesMs: readonly number[] = [Date.now()],
): Promise<void> {
  await client.query('savepoint probe');
  try {
    const batches = batchTimesMs.map(anyBatch);
    await copyRows(client, [newClaims({ id: newUuidV7(), batches })]);
    if (samples.some(({ kind }) => kind === 'usage')) await copyRows(client, [anyCall()]);
    for (const sample of samples) await copyRows(client, [anyRow(sample)]);
  } catch (error) {
    // It has been looked at: rows that please the database would be taken.
    if (!isDataFault(error)) throw error;
  } finally {
    await client.query('rollback to savepoint probe');
  }
}

export const samplesOf = (kinds: readonly RecordKind[]): Sample[] =>
  kinds.map((kind) => ({ kind, timestampMs: Date.now() }));

/** A row and an entry for each partition that some batches go to. */
export async function probeLike(client: pg.ClientBase, batches: readonly Batch[]): Promise<void> {
  const samples = recordKinds.flatMap((kind) => {
    const rows = batches.flatMap(({ rows }) => rowsOf(rows[kind].copy));
    return oneADay(rows.map(timestampMs)).map((timestampMs) => ({ kind, timestampMs }));
  });
  await probe(client, samples, oneADay(batches.map(({ id }) => uuidV7TimeMs(id))));
}

/** That of now where there is none to be read. */
export function timestampMs(row: Uint8Array): number {
  try {
    return Math.floor(readRowStart(row).timestampUs / 1000);
  } catch {
    return Date.now();
  }
}

const oneADay = (timesMs: readonly number[]): number[] => [
  ...new Map(timesMs.map((ms) => [Math.floor(ms / dayMs), ms])).values(),
];

function anyBatch(atMs: number): Batch {
  const none = byKind(() => 0);
  return {
    id: uuidV7AtMs(atMs),
    fingerprint: new Uint8Array(16),
    rows: byKind(() => ({ count: 0, copy: new Uint8Array() })),
    answer: { stored: none, rejected: none, rejections: [] },
  };
}

const anyCall = (): Load => ({
  table: claimsTable,
  rows: [joinTuple([randomBytes(16), newUuidV7Bytes(), postgresTimestamp(Date.now())])],
});

/** A row that a table takes if it takes any. */
function anyRow({ kind, timestampMs, bytes = 0, beside }: Sample): Load {
  const values: Readonly<Record<string, Uint8Array>> = {
    id: beside ? idBeside(beside) : newUuidV7Bytes(),
    timestamp: postgresTimestamp(timestampMs),
    observed_at: postgresTimestamp(Date.now()),
    event_type: Buffer.from('PROBE'),
    model: Buffer.from('probe'),
    // The version of jsonb's binary form comes first.
    ...(bytes > 0 && { metadata: Buffer.from(`\x01{"probe":"${incompressible(bytes)}"}`) }),
  };
  const fields = tables[kind].columns.map((column) => values[column] ?? null);
  return { table: tables[kind], rows: [joinTuple(fields)] };
}

const incompressible = (bytes: number): string =>
  randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64');
