import type { Transaction } from 'kysely';
import type pg from 'pg';
import type { Batch, EncodedRows, Group, RepeatedCalls, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { byKind, recordKinds } from '../records/tables.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import type { CallClaims, Repetition } from './call-claims.ts';
import { copyRows } from './copy.ts';
import { keepDeadLetters } from './dead-letters.ts';
import { copyDivided, rowsOf, type Suspicion, type UnstorableRow } from './divide.ts';
import { type Erasures, withoutErased } from './erasures.ts';
import { fillDivided } from './fill-calls.ts';
import { noteFates } from './ledger.ts';
import type { Portion } from './stored-before.ts';

/** Stores as many rows of a batch as are taken, and keeps the others as dead letters. */
export async function storeDivided(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  { batch, known, erased }: Portion,
  isSuspect: Suspicion,
  calls: CallClaims,
  books: Bookkeeping,
): Promise<Settlement> {
  const deadLettered = byKind(() => 0);
  const events = await copyDivided(trx, client, 'event', batch.rows.event, isSuspect);
  const usage = await copyUsage(trx, client, batch.rows.usage, isSuspect, calls);
  const unstorable = { event: events.unstorable, usage: usage.unstorable };
  const stored = { event: Buffer.concat(events.taken), usage: Buffer.concat(usage.taken) };
  const storedRows = byKind((kind) => ({ copy: stored[kind] }));
  await copyRows(client, await books.fresh.loads([{ rows: storedRows }]));
  for (const kind of recordKinds) {
    const rows = unstorable[kind];
    await keepDeadLetters(trx, batch.id, rows);
    const { count, copy } = batch.rows[kind];
    deadLettered[kind] = rows[0]?.row === copy ? count : rows.length;
  }
  await fillDivided(trx, client, usage.repetitions, books);
  const repeated = repeatedCalls(usage.repetitions);
  const fates = {
    ...(Object.values(deadLettered).some(Boolean) && { deadLettered }),
    ...(repeated && { repeated }),
  };
  if (Object.keys(fates).length > 0) await noteFates(trx, batch, fates);
  return storedAs({ deadLettered, known, erased, repeated });
}

type Stored = Settlement & { readonly kind: 'stored' };

/** With what there is of all that a stored batch may say. */
export const storedAs = (
  fates: { readonly [Name in keyof Omit<Stored, 'kind'>]: Stored[Name] | undefined },
): Stored => ({
  kind: 'stored',
  ...(Object.fromEntries(Object.entries(fates).filter(([, fate]) => fate !== undefined)) as Omit<
    Stored,
    'kind'
  >),
});

export function repeatedCalls(repetitions: readonly Repetition[]): RepeatedCalls | undefined {
  const [first] = repetitions;
  return first && { count: repetitions.length, firstRowId: first.place.id };
}

/** Where the first record of a call is not taken, the next of it may be. */
async function copyUsage(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  all: EncodedRows,
  isSuspect: Suspicion,
  calls: CallClaims,
): Promise<{ taken: Uint8Array[]; unstorable: UnstorableRow[]; repetitions: Repetition[] }> {
  const taken: Uint8Array[] = [];
  const unstorable: UnstorableRow[] = [];
  const repetitions: Repetition[] = [];
  let left = all;
  while (left.copy.length > 0) {
    const parted = calls.part(left);
    const some = await copyDivided(trx, client, 'usage', parted.rows, isSuspect);
    const refused = some.unstorable;
    taken.push(...some.taken);
    unstorable.push(...refused);
    calls.release(refused.map(({ row }) => row));
    const again = parted.repetitions.filter((repetition) => !calls.isStored(repetition));
    repetitions.push(...parted.repetitions.filter((repetition) => !again.includes(repetition)));
    left = { count: again.length, copy: Buffer.concat(again.map(({ row }) => row)) };
  }
  return { taken, unstorable, repetitions };
}

/** Keeps every row of a batch as a dead letter, but those that are erased. */
export async function keepWhole(
  trx: Transaction<Database>,
  whole: Batch,
  reason: string,
  erasures: Erasures,
): Promise<Settlement> {
  const { batch, erased } = withoutErased({ index: 0, batch: whole }, erasures);
  for (const kind of recordKinds) {
    const rows = rowsOf(batch.rows[kind].copy).map((row) => ({ kind, row, reason }));
    await keepDeadLetters(trx, batch.id, rows);
  }
  const deadLettered = byKind((kind) => batch.answer.stored[kind] - (erased?.[kind] ?? 0));
  return storedAs({ deadLettered, erased });
}

/** Batches that others have stored something else under the ids of were acknowledged all the same. */
export async function keepConflicts(
  trx: Transaction<Database>,
  { batches }: Group,
  settlements: readonly Settlement[],
  erasures: Erasures,
): Promise<Settlement[]> {
  const results = [...settlements];
  for (const [index, batch] of batches.entries()) {
    if (settlements[index]?.kind !== 'conflict') continue;
    results[index] = await keepWhole(trx, batch, 'batch_id_conflict', erasures);
  }
  return results;
}
