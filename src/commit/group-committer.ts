import { sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import {
  classifyDatabaseError,
  isDataFault,
  mayBeDataFault,
  mayBeDataFaultAfterAll,
} from '../postgres/sqlstate.ts';
import { byKind, type RecordKind, recordKinds } from '../records/tables.ts';
import { copyRows, fieldsOf, type Load, tableOf } from './copy.ts';
import { keepDeadLetters } from './dead-letters.ts';
import { claimDivided, copyDivided, rowsOf, type Suspicion } from './divide.ts';
import { type Claims, claimBatches, newClaims, noteDeadLetters } from './ledger.ts';
import { probe, probeLike, samplesOf } from './probe.ts';
import { isForgotten, type Portion, unwritten, wholeBatches } from './stored-before.ts';
import type { Work, Writer } from './writer.ts';

/**
 * Where batches come from. Those of the spool were acknowledged: their rows are kept whoever has
 * their ids, as dead letters if need be.
 */
export type Origin = 'callers' | 'spool';

/**
 * Commits groups: the ids of the batches and their rows in one transaction. Where PostgreSQL
 * does not take some of the rows, the others are stored and those are kept as dead letters.
 */
export class GroupCommitter {
  readonly #writer: Writer;
  readonly #origin: Origin;

  constructor(writer: Writer, origin: Origin) {
    this.#writer = writer;
    this.#origin = origin;
  }

  /** See `CommitGroup`. */
  readonly commit = async (group: Group): Promise<readonly Settlement[]> =>
    await this.#classified(async () => {
      const together = () => this.#writer.transaction(this.#together(group));
      const first = this.#allNew(group).catch(ifOfData(together));
      return await first.catch(async (error) => {
        if (!isDataFault(error)) await this.#probeAfter(error, group);
        return await this.#writer.transaction(this.#divided(group, mayBeDataFault));
      });
    });

  /** See `Committer`. */
  readonly commitSuspects = async (group: Group): Promise<readonly Settlement[]> =>
    await this.#classified(() =>
      this.#writer.transaction(this.#divided(group, mayBeDataFaultAfterAll)),
    );

  /** Throws what keeps the database from taking records of some kinds; see `probe`. */
  readonly probeKinds = async (kinds: readonly RecordKind[]): Promise<void> =>
    await this.#classified(() =>
      this.#writer.transaction((_, client) => probe(client, samplesOf(kinds))),
    );

  /** The same where some batches go; see `probeLike`. */
  readonly probe = async (batches: readonly Batch[]): Promise<void> =>
    await this.#classified(() =>
      this.#writer.transaction((_, client) => probeLike(client, batches)),
    );

  /** Keeps all rows of a batch as dead letters, whatever is in them. */
  readonly keep = async (batch: Batch, reason: string): Promise<Settlement> =>
    await this.#classified(() =>
      this.#writer.transaction(async (trx, client) => {
        const group = { id: batch.groupId ?? batch.id, batches: [batch] };
        const { settlements, claimed, unstorable } = await claimDivided(trx, client, group);
        const [settlement] = settlements as [Settlement];
        const isNew = claimed.has(batch) || unstorable.has(batch) || settlement.kind === 'conflict';
        if (!isNew) return settlement;
        if (claimed.has(batch)) await noteDeadLetters(trx, batch, batch.answer.stored);
        return await keepWhole(trx, batch, reason);
      }),
    );

  /**
   * The usual group, by COPY alone: the ledger takes nothing if it knows an id. From callers
   * it is one round trip.
   */
  async #allNew(group: Group): Promise<readonly Settlement[]> {
    const loads = [newClaims(group), ...loadsOf(group.batches)];
    const stored = group.batches.map((): Settlement => ({ kind: 'stored' }));
    if (this.#origin === 'callers') {
      await this.#writer.copy(loads);
      return stored;
    }
    return await this.#writer.transaction(async (trx, client) => {
      if (await isForgotten(trx, client, group)) return await this.#together(group)(trx, client);
      await copyRows(client, loads);
      return stored;
    });
  }

  /** All rows of a kind by one COPY. */
  #together(group: Group): Work<readonly Settlement[]> {
    return async (trx, client) => {
      const claims = await claimBatches(trx, group);
      const portions = await this.#toWrite(trx, client, group, claims);
      const loads = loadsOf(portions.map(({ batch }) => batch));
      if (loads.length > 0) await copyRows(client, loads);
      const results = [...claims.settlements];
      for (const { index, known } of portions) {
        results[index] = { kind: 'stored', ...(known && { known }) };
      }
      return await this.#settleConflicts(trx, group, results);
    };
  }

  /** Batch by batch, as many as the ledger takes, and in each of them as many rows. */
  #divided(group: Group, isSuspect: Suspicion): Work<readonly Settlement[]> {
    return async (trx, client) => {
      // Deferred ones would speak up when it is too late to find out whom they mean.
      await sql`set constraints all immediate`.execute(trx);
      const claims = await claimDivided(trx, client, group);
      const results = [...claims.settlements];
      for (const portion of await this.#toWrite(trx, client, group, claims)) {
        results[portion.index] = await storeDivided(trx, client, portion, isSuspect);
      }
      for (const [index, batch] of group.batches.entries()) {
        const reason = claims.unstorable.get(batch);
        if (reason !== undefined) results[index] = await keepWhole(trx, batch, reason);
      }
      return await this.#settleConflicts(trx, group, results);
    };
  }

  async #toWrite(
    trx: Transaction<Database>,
    client: pg.ClientBase,
    group: Group,
    claims: Claims,
  ): Promise<Portion[]> {
    if (this.#origin === 'spool') return await unwritten(trx, client, group, claims);
    return wholeBatches(group, claims);
  }

  /** A failure twice in a row may be the data's fault: if rows of ours are taken, it is. */
  async #probeAfter(failure: unknown, group: Group): Promise<void> {
    if (!mayBeDataFault(failure)) throw failure;
    await this.probe(group.batches).catch(() => {
      throw failure;
    });
  }

  async #settleConflicts(
    trx: Transaction<Database>,
    group: Group,
    settlements: readonly Settlement[],
  ): Promise<readonly Settlement[]> {
    if (this.#origin === 'callers') return settlements;
    const results = [...settlements];
    for (const [index, batch] of group.batches.entries()) {
      if (settlements[index]?.kind !== 'conflict') continue;
      results[index] = await keepWhole(trx, batch, 'batch_id_conflict');
    }
    return results;
  }

  async #classified<T>(work: () => Promise<T>): Promise<T> {
    return await work().catch((error) => {
      throw classifyDatabaseError(error);
    });
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

/** Goes another way where what PostgreSQL was given may be what it does not take. */
const ifOfData =
  <T>(otherWay: () => Promise<T>) =>
  async (error: unknown): Promise<T> => {
    if (!mayBeDataFault(error)) throw error;
    return await otherWay();
  };

async function storeDivided(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  { batch, known }: Portion,
  isSuspect: Suspicion,
): Promise<Settlement> {
  const deadLettered = byKind(() => 0);
  for (const kind of recordKinds) {
    const rows = await copyDivided(trx, client, kind, batch.rows[kind], isSuspect);
    await keepDeadLetters(trx, batch.id, rows);
    const { count, copy } = batch.rows[kind];
    deadLettered[kind] = rows[0]?.row === copy ? count : rows.length;
  }
  if (Object.values(deadLettered).some(Boolean)) await noteDeadLetters(trx, batch, deadLettered);
  return { kind: 'stored', deadLettered, ...(known && { known }) };
}

/** Keeps every row of a batch as a dead letter. */
async function keepWhole(
  trx: Transaction<Database>,
  batch: Batch,
  reason: string,
): Promise<Settlement> {
  for (const kind of recordKinds) {
    const rows = rowsOf(batch.rows[kind].copy).map((row) => ({ kind, row, reason }));
    await keepDeadLetters(trx, batch.id, rows);
  }
  return { kind: 'stored', deadLettered: batch.answer.stored };
}
