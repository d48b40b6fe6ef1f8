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
import type { RecordKind } from '../records/tables.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { CallClaims, type PartedRows } from './call-claims.ts';
import { newCallKeys } from './calls.ts';
import { copyRows } from './copy.ts';
import { claimDivided, type Suspicion } from './divide.ts';
import { type Erasures, readErasures, unlessErased, withoutErased } from './erasures.ts';
import { fillCalls } from './fill-calls.ts';
import { type Claims, claimBatches, newClaims, noteFates } from './ledger.ts';
import { loadsOf } from './loads.ts';
import { NewCalls } from './new-calls.ts';
import { probe, probeLike, samplesOf } from './probe.ts';
import {
  keepConflicts,
  keepWhole,
  repeatedCalls,
  storeDivided,
  storedAs,
} from './store-divided.ts';
import { type Portion, unlessForgotten, unwritten, wholeBatches } from './stored-before.ts';
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
  readonly #books: Bookkeeping;
  readonly #keys = newCallKeys();
  /** Whether the last calls were stored before: the next may be too. */
  #callsRepeat = false;

  constructor(writer: Writer, origin: Origin, books: Bookkeeping) {
    this.#writer = writer;
    this.#origin = origin;
    this.#books = books;
  }

  /** See `CommitGroup`. */
  readonly commit = async (group: Group): Promise<readonly Settlement[]> =>
    await this.#classified(async () => {
      const calls = new NewCalls(this.#keys, usageOf(group.batches));
      const mayBeNew = calls.count === 0 || !(this.#callsRepeat || calls.repeat);
      const together = () => this.#writer.transaction(this.#together(group));
      const first = mayBeNew ? this.#allNew(group, calls).catch(ifOfData(together)) : together();
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
        if (claimed.has(batch)) await noteFates(trx, batch, { deadLettered: batch.answer.stored });
        const erasures = await readErasures(trx, client, [batch]);
        return await keepWhole(trx, batch, reason, erasures);
      }),
    );

  /**
   * The usual group, by COPY alone: nothing is taken where the ledger knows an id, or another has
   * claimed a call. One round trip.
   */
  async #allNew(group: Group, calls: NewCalls): Promise<readonly Settlement[]> {
    const claims = calls.count > 0 ? [calls.load()] : [];
    const loads = [
      newClaims(group),
      ...claims,
      ...(await loadsOf(group.batches, this.#books.fresh)),
    ];
    await this.#writer.copy(loads, (client) => this.#condition(client, group));
    return group.batches.map(() => storedAsItIs);
  }

  /** Fails where rows may not be written without a look at them. */
  #condition(client: pg.ClientBase, { batches }: Group): string {
    const unless = unlessErased(client, batches);
    return this.#origin === 'callers' ? unless : `${unlessForgotten(client, batches)};${unless}`;
  }

  /** All rows of a kind by one COPY. */
  #together(group: Group): Work<readonly Settlement[]> {
    return async (trx, client) => {
      const claims = await claimBatches(trx, group);
      const erasures = await readErasures(trx, client, group.batches);
      const portions = await this.#toWrite(trx, client, group, claims, erasures);
      const batches = portions.map(({ batch }) => batch);
      const calls = await CallClaims.claim(trx, this.#keys, usageOf(batches));
      const parted = batches.map(({ rows }) => calls.part(rows.usage));
      const stored = batches.map(({ rows }, at) => ({
        rows: { ...rows, usage: (parted[at] as PartedRows).rows },
      }));
      const loads = await loadsOf(stored, this.#books.fresh);
      if (loads.length > 0) await copyRows(client, loads);
      const repetitions = parted.flatMap((each) => each.repetitions);
      await fillCalls(trx, client, repetitions, this.#books);
      if (repetitions.length > 0) await calls.correct(trx);
      if (calls.any) this.#callsRepeat = repetitions.length > 0;
      const results = [...claims.settlements];
      for (const [at, { index, batch, known, erased }] of portions.entries()) {
        const repeated = repeatedCalls((parted[at] as PartedRows).repetitions);
        if (repeated) await noteFates(trx, batch, { repeated });
        results[index] = storedAs({ known, erased, repeated });
      }
      return this.#origin === 'callers'
        ? results
        : await keepConflicts(trx, group, results, erasures);
    };
  }

  /** Batch by batch, as many as the ledger takes, and in each of them as many rows. */
  #divided(group: Group, isSuspect: Suspicion): Work<readonly Settlement[]> {
    return async (trx, client) => {
      // Deferred ones would speak up when it is too late to find out whom they mean.
      await sql`set constraints all immediate`.execute(trx);
      const claims = await claimDivided(trx, client, group);
      const results = [...claims.settlements];
      const erasures = await readErasures(trx, client, group.batches);
      const portions = await this.#toWrite(trx, client, group, claims, erasures);
      const usage = usageOf(portions.map(({ batch }) => batch));
      const calls = await CallClaims.claimDivided(trx, this.#keys, usage);
      for (const portion of portions) {
        results[portion.index] = await storeDivided(
          trx,
          client,
          portion,
          isSuspect,
          calls,
          this.#books,
        );
      }
      await calls.correct(trx);
      for (const [index, batch] of group.batches.entries()) {
        const reason = claims.unstorable.get(batch);
        if (reason !== undefined) results[index] = await keepWhole(trx, batch, reason, erasures);
      }
      return this.#origin === 'callers'
        ? results
        : await keepConflicts(trx, group, results, erasures);
    };
  }

  async #toWrite(
    trx: Transaction<Database>,
    client: pg.ClientBase,
    group: Group,
    claims: Claims,
    erasures: Erasures,
  ): Promise<Portion[]> {
    const isKnown = this.#origin === 'callers';
    const portions = isKnown
      ? wholeBatches(group, claims)
      : await unwritten(trx, client, group, claims);
    return portions.map((portion) => withoutErased(portion, erasures));
  }

  /** A failure twice in a row may be the data's fault: if rows of ours are taken, it is. */
  async #probeAfter(failure: unknown, group: Group): Promise<void> {
    if (!mayBeDataFault(failure)) throw failure;
    await this.probe(group.batches).catch(() => {
      throw failure;
    });
  }

  async #classified<T>(work: () => Promise<T>): Promise<T> {
    return await work().catch((error) => {
      throw classifyDatabaseError(error);
    });
  }
}

const storedAsItIs: Settlement = { kind: 'stored' };

const usageOf = (batches: readonly Batch[]) => batches.map(({ rows }) => rows.usage.copy);

/** Goes another way where what PostgreSQL was given may be what it does not take. */
const ifOfData =
  <T>(otherWay: () => Promise<T>) =>
  async (error: unknown): Promise<T> => {
    if (!mayBeDataFault(error)) throw error;
    return await otherWay();
  };
