import { sql, type Transaction } from 'kysely';
import type { Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError, isDataFault } from '../database/sqlstate.ts';
import { recordKinds } from '../records/tables.ts';
import { splitTuples } from '../records/tuples.ts';
import { copyRows, fieldsOf, type Load, tableOf } from './copy.ts';
import { keepDeadLetters } from './dead-letters.ts';
import { claimDivided, copyDivided } from './divide.ts';
import { claimBatches, newClaims } from './ledger.ts';
import type { Work, Writer } from './writer.ts';

/** What is done with a batch whose id is known with other content. */
export type OnConflict = 'report' | 'dead-letter';

/**
 * Commits groups: the ids of the batches and their rows in one transaction. Where PostgreSQL
 * does not take some of the rows, the others are stored and those are kept as dead letters.
 */
export class GroupCommitter {
  readonly #writer: Writer;
  readonly #onConflict: OnConflict;

  constructor(writer: Writer, onConflict: OnConflict) {
    this.#writer = writer;
    this.#onConflict = onConflict;
  }

  /** See `CommitGroup`. */
  readonly commit = async (group: Group): Promise<readonly Settlement[]> => {
    try {
      return await this.#allNew(group)
        .catch(ifDataFault(() => this.#writer.transaction(this.#together(group))))
        .catch(ifDataFault(() => this.#writer.transaction(this.#divided(group))));
    } catch (error) {
      throw classifyDatabaseError(error);
    }
  };

  /** The usual group: one round trip, in which the ledger refuses everything if it knows an id. */
  async #allNew(group: Group): Promise<readonly Settlement[]> {
    const loads = [newClaims(group), ...loadsOf(group.batches)];
    await this.#writer.withConnection((client) => copyRows(client, loads));
    return group.batches.map(() => ({ kind: 'stored' }));
  }

  /** All rows of a kind by one COPY. */
  #together(group: Group): Work<readonly Settlement[]> {
    return async (trx, client) => {
      const { settlements, claimed } = await claimBatches(trx, group);
      const loads = loadsOf([...claimed]);
      if (loads.length > 0) await copyRows(client, loads);
      return await this.#settleConflicts(trx, group, settlements);
    };
  }

  /** Batch by batch, as many as the ledger takes, and in each of them as many rows. */
  #divided(group: Group): Work<readonly Settlement[]> {
    return async (trx, client) => {
      // Deferred ones would speak up when it is too late to find out whom they mean.
      await sql`set constraints all immediate`.execute(trx);
      const { settlements, claimed, unstorable } = await claimDivided(trx, group);
      const results = [...settlements];
      for (const [index, batch] of group.batches.entries()) {
        const reason = unstorable.get(batch);
        if (reason !== undefined) results[index] = await keepWhole(trx, batch, reason);
        if (!claimed.has(batch)) continue;
        const deadLettered = { event: 0, usage: 0 };
        for (const kind of recordKinds) {
          const rows = await copyDivided(trx, client, kind, batch.rows[kind]);
          await keepDeadLetters(trx, batch.id, rows);
          deadLettered[kind] = rows.length;
        }
        results[index] = { kind: 'stored', deadLettered };
      }
      return await this.#settleConflicts(trx, group, results);
    };
  }

  /** A batch of the spool was acknowledged: its rows are kept, whoever has its id. */
  async #settleConflicts(
    trx: Transaction<Database>,
    group: Group,
    settlements: readonly Settlement[],
  ): Promise<readonly Settlement[]> {
    if (this.#onConflict === 'report') return settlements;
    const results = [...settlements];
    for (const [index, batch] of group.batches.entries()) {
      if (settlements[index]?.kind !== 'conflict') continue;
      results[index] = await keepWhole(trx, batch, 'batch_id_conflict');
    }
    return results;
  }
}

/** One load a kind, and one more for what the spool has of it in an earlier release's columns. */
function loadsOf(batches: readonly Batch[]): Load[] {
  return recordKinds.flatMap((kind) => {
    const copies = batches.map(({ rows }) => rows[kind].copy).filter(({ length }) => length > 0);
    return [...Map.groupBy(copies, fieldsOf).values()].map((rows) => ({
      table: tableOf(kind, rows[0] as Uint8Array),
      rows,
    }));
  });
}

/** Goes another way where PostgreSQL does not take what it was given. */
const ifDataFault =
  <T>(otherWay: () => Promise<T>) =>
  async (error: unknown): Promise<T> => {
    if (!isDataFault(error)) throw error;
    return await otherWay();
  };

/** Keeps every row of a batch as a dead letter. */
async function keepWhole(
  trx: Transaction<Database>,
  batch: Batch,
  reason: string,
): Promise<Settlement> {
  for (const kind of recordKinds) {
    const rows = splitTuples(batch.rows[kind].copy).map((row) => ({ kind, row, reason }));
    await keepDeadLetters(trx, batch.id, rows);
  }
  return { kind: 'stored', deadLettered: batch.answer.stored };
}
