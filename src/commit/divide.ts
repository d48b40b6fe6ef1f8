import { sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Batch, EncodedRows, Group, Settlement } from '../buffer/batch.ts';
import { isDistributed } from '../database/cluster/layout.ts';
import type { Database } from '../database/schema.ts';
import { errorMessage } from '../errors.ts';
import {
  classifyDatabaseError,
  isDataFault,
  isLackOfResources,
  mayBeDataFault,
} from '../postgres/sqlstate.ts';
import type { RecordKind } from '../records/tables.ts';
import { splitTuples } from '../records/tuples.ts';
import { noteLoads } from './commit-notes.ts';
import { copyRows, tableOf } from './copy.ts';
import { insertRow } from './insert-row.ts';
import { type Claims, claimBatches, inOrder } from './ledger.ts';
import { probe, type Sample, timestampMs } from './probe.ts';

/** A row that PostgreSQL does not store; all rows as one where they can't be told apart. */
export interface UnstorableRow {
  readonly kind: RecordKind;
  readonly row: Uint8Array;
  readonly reason: string;
}

/** Whether the data may be to blame for an error. */
export type Suspicion = (error: unknown) => boolean;

/** Where the id of a row ends that is its first field. */
const idEnd = 22;

/** Loads rows some of which PostgreSQL does not store, and says which. */
export async function copyDivided(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  kind: RecordKind,
  { copy }: EncodedRows,
  isSuspect: Suspicion,
): Promise<{ taken: readonly Uint8Array[]; unstorable: readonly UnstorableRow[] }> {
  const table = tableOf(kind, copy);
  const onWorkers = await isDistributed(trx, table.name);
  const sampleOf = (row: Uint8Array, error: unknown): Sample => ({
    kind,
    timestampMs: timestampMs(row),
    // Where there is no room for a row, there may still be some for a smaller one.
    ...(isLackOfResources(error) && { bytes: row.byteLength }),
    // What ails a single shard is the fault of no row.
    ...(onWorkers && row.byteLength >= idEnd && { beside: row.subarray(idEnd - 16, idEnd) }),
  });
  const alone = onWorkers ? (row: Uint8Array) => insertRow(trx, client, table, row) : undefined;
  const divider = new Divider(trx, client, isSuspect, sampleOf, alone);
  const rows = rowsOf(copy);
  // Noted under the same savepoint: whoever follows knows rows by who wrote both.
  const unstorable = await divider.divide(rows, (some) =>
    copyRows(client, [{ table, rows: some }, ...noteLoads([{ kind, rows: some }])]),
  );
  return {
    taken: rows.filter((row) => !unstorable.has(row)),
    unstorable: [...unstorable].map(([row, reason]) => ({ kind, row, reason })),
  };
}

export function rowsOf(copy: Uint8Array): readonly Uint8Array[] {
  try {
    return splitTuples(copy);
  } catch {
    return [copy];
  }
}

export interface DividedClaims extends Claims {
  /** Batches whose ids the ledger does not take, and why. */
  readonly unstorable: ReadonlyMap<Batch, string>;
}

/** Claims the ids of a group some of which the ledger does not take. */
export async function claimDivided(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  group: Group,
): Promise<DividedClaims> {
  const settled = new Map<Batch, Settlement>();
  const claimed = new Set<Batch>();
  const divider = new Divider<Batch>(trx, client, mayBeDataFault);
  const unstorable = await divider.divide(inOrder(group), async (batches) => {
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
 * halves, until those are alone. Each try is a savepoint, so that what was done stays (4.4 of
 * docs/specs/buffer.md).
 */
class Divider<T> {
  readonly #trx: Transaction<Database>;
  readonly #client: pg.ClientBase;
  readonly #isSuspect: Suspicion;
  readonly #sampleOf: ((item: T, error: unknown) => Sample) | undefined;
  readonly #alone: ((item: T) => Promise<void>) | undefined;

  /**
   * `sampleOf`: a row beside the one that an item is, where it is one. `alone`: stores one without
   * COPY, of which a cluster says less.
   */
  constructor(
    trx: Transaction<Database>,
    client: pg.ClientBase,
    isSuspect: Suspicion,
    sampleOf?: (item: T, error: unknown) => Sample,
    alone?: (item: T) => Promise<void>,
  ) {
    this.#trx = trx;
    this.#client = client;
    this.#isSuspect = isSuspect;
    this.#sampleOf = sampleOf;
    this.#alone = alone;
  }

  /** Resolves with the items that are not taken, and why. Any other failure is thrown. */
  async divide(
    items: readonly T[],
    work: (part: readonly T[]) => Promise<void>,
  ): Promise<Map<T, string>> {
    const unstorable = new Map<T, string>();
    const divideOn = async (part: readonly T[]): Promise<void> => {
      const [first] = part;
      if (first === undefined) return;
      if (part.length === 1) {
        const reason = await this.#fault(first, () => work(part));
        if (reason !== undefined) unstorable.set(first, reason);
        return;
      }
      const error = await this.#failure(() => work(part));
      if (error === undefined) return;
      if (!isDataFault(error)) await this.#probe(first, error);
      const middle = Math.ceil(part.length / 2);
      await divideOn(part.slice(0, middle));
      await divideOn(part.slice(middle));
    };
    await divideOn(items);
    return unstorable;
  }

  /**
   * Why PostgreSQL does not take the data of some work; undefined when it does. Where what it says
   * may also mean that it takes nothing at all, it has to say so twice while it takes other rows.
   */
  async #fault(item: T, work: () => Promise<void>): Promise<string | undefined> {
    const told = await this.#failure(work);
    if (told === undefined) return undefined;
    const error = await this.#cause(item, told);
    if (error === undefined) {
      const again = await this.#failure(work);
      if (again === undefined) return undefined;
      throw again;
    }
    if (!isDataFault(error)) {
      if (!this.#isSuspect(error)) throw error;
      await this.#probe(item, error);
      if ((await this.#failure(work)) === undefined) return undefined;
      await this.#probe(item, error);
    }
    return errorMessage(classifyDatabaseError(error));
  }

  /**
   * What a row of a cluster really fails by. Its COPY says XX000 whatever it is, a full disk of a
   * worker included. Undefined where the row is taken alone: it is not to blame.
   */
  async #cause(item: T, told: unknown): Promise<unknown> {
    if (!this.#alone || isDataFault(told)) return told;
    await sql`savepoint alone`.execute(this.#trx);
    try {
      await this.#alone(item);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await sql`rollback to savepoint alone`.execute(this.#trx);
    }
  }

  /** What the data may be to blame for; the work is undone then. Anything else is thrown. */
  async #failure(work: () => Promise<void>): Promise<unknown> {
    await sql`savepoint part`.execute(this.#trx);
    try {
      await work();
      await sql`release savepoint part`.execute(this.#trx);
      return undefined;
    } catch (error) {
      if (!this.#isSuspect(error)) throw error;
      await sql`rollback to savepoint part`.execute(this.#trx);
      return error;
    }
  }

  async #probe(item: T, failure: unknown): Promise<void> {
    const samples = this.#sampleOf ? [this.#sampleOf(item, failure)] : [];
    await probe(this.#client, samples).catch(() => {
      throw failure;
    });
  }
}
