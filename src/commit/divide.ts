import { sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Batch, EncodedRows, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError } from '../database/sqlstate.ts';
import type { RecordKind } from '../records/tables.ts';
import { splitTuples } from '../records/tuples.ts';
import { copyRows, tableOf } from './copy.ts';
import { type Claims, claimBatches, inOrder } from './ledger.ts';

/** A row that PostgreSQL does not store. */
export interface UnstorableRow {
  readonly kind: RecordKind;
  readonly row: Uint8Array;
  readonly reason: string;
}

/** Loads rows some of which PostgreSQL does not store, and resolves with these. */
export async function copyDivided(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  kind: RecordKind,
  { copy }: EncodedRows,
): Promise<UnstorableRow[]> {
  const table = tableOf(kind, copy);
  const unstorable = await divide(trx, splitTuples(copy), (rows) =>
    copyRows(client, [{ table, rows }]),
  );
  return [...unstorable].map(([row, reason]) => ({ kind, row, reason }));
}

export interface DividedClaims extends Claims {
  /** Batches whose ids the ledger does not take, and why. */
  readonly unstorable: ReadonlyMap<Batch, string>;
}

/** Claims the ids of a group some of which the ledger does not take. */
export async function claimDivided(
  trx: Transaction<Database>,
  group: Group,
): Promise<DividedClaims> {
  const settled = new Map<Batch, Settlement>();
  const claimed = new Set<Batch>();
  const unstorable = await divide(trx, inOrder(group), async (batches) => {
    const claims = await claimBatches(trx, { ...group, batches });
    batches.forEach((batch, index) => {
      settled.set(batch, claims.settlements[index] as Settlement);
    });
    for (const batch of claims.claimed) claimed.add(batch);
  });
  const settlements = group.batches.map(
    (batch): Settlement => settled.get(batch) ?? { kind: 'stored' },
  );
  return { settlements, claimed, unstorable };
}

/**
 * Does some work on items of which PostgreSQL may not take some: on all of them, or else on
 * halves, until those are alone. Resolves with these, and why. Each try is a savepoint, so that
 * what was done stays (4.4 of docs/specs/buffer.md). Any other failure is thrown, classified.
 */
async function divide<T>(
  trx: Transaction<Database>,
  items: readonly T[],
  work: (part: readonly T[]) => Promise<void>,
): Promise<Map<T, string>> {
  const unstorable = new Map<T, string>();
  const divideOn = async (part: readonly T[]): Promise<void> => {
    const [only, second] = part;
    if (only === undefined) return;
    const reason = await tryWork(trx, () => work(part));
    if (reason === undefined) return;
    if (second === undefined) {
      unstorable.set(only, reason);
      return;
    }
    const middle = Math.ceil(part.length / 2);
    await divideOn(part.slice(0, middle));
    await divideOn(part.slice(middle));
  };
  await divideOn(items);
  return unstorable;
}

/** Why PostgreSQL does not take the data of some work, which is undone then; undefined when it did. */
async function tryWork(
  trx: Transaction<Database>,
  work: () => Promise<void>,
): Promise<string | undefined> {
  await sql`savepoint part`.execute(trx);
  try {
    await work();
    await sql`release savepoint part`.execute(trx);
    return undefined;
  } catch (error) {
    const classified = classifyDatabaseError(error);
    if (classified.kind !== 'permanent') throw classified;
    await sql`rollback to savepoint part`.execute(trx);
    return classified.message;
  }
}
