import type { Kysely } from 'kysely';
import { Counter, type Registry } from 'prom-client';
import type { Bookkeeping } from '../commit/bookkeeping.ts';
import {
  countDeadLetters,
  type DeadLetter,
  deadLetterIds,
  dropDeadLetters,
  findDeadLetters,
  listDeadLetters,
  replayDeadLetter,
} from '../commit/dead-letters.ts';
import type { Writer } from '../commit/writer.ts';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { classifyDatabaseError, mayBeDataFault } from '../postgres/sqlstate.ts';
import { recordKinds, tables } from '../records/tables.ts';
import { isUuid } from '../uuid.ts';

const idsMax = 1000;

export interface ReplayResult {
  readonly replayed: number;
  readonly failures: readonly { readonly id: string; readonly reason: string }[];
}

/** What operators do with dead letters, by the API or on the command line. Throws `ServiceError`. */
export class DeadLetters {
  readonly #db: Kysely<Database>;
  readonly #writer: Writer;
  readonly #books: Bookkeeping;
  readonly #replayed: Counter<'table'>;

  constructor(db: Kysely<Database>, writer: Writer, books: Bookkeeping, registry: Registry) {
    this.#db = db;
    this.#writer = writer;
    this.#books = books;
    this.#replayed = new Counter({
      name: 'telemetry_dead_letters_replayed_total',
      help: 'Dead letters that were stored after all.',
      labelNames: ['table'],
      registers: [registry],
    });
    for (const kind of recordKinds) this.#replayed.inc({ table: tables[kind].name }, 0);
  }

  /** The newest, at most `limit` of them, and how many there are. */
  async list(limit: number): Promise<{ letters: readonly DeadLetter[]; total: number }> {
    if (limit < 1 || limit > idsMax) {
      throw new ServiceError('invalid', `limit is ${limit}; it must be from 1 to ${idsMax}`, {
        field: 'limit',
      });
    }
    return await this.#classified(async () => ({
      letters: await listDeadLetters(this.#db, limit),
      total: await countDeadLetters(this.#db),
    }));
  }

  /** Those of some ids that there are. */
  async find(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    checkIds(ids);
    return await this.#classified(() => findDeadLetters(this.#db, ids));
  }

  /** The ids of all that there are, in chunks; those that come meanwhile may be missing. */
  async *all(): AsyncGenerator<readonly string[]> {
    let last = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const ids = await this.#classified(() => deadLetterIds(this.#db, last, idsMax));
      const next = ids.at(-1);
      if (next === undefined) return;
      yield ids;
      last = next;
    }
  }

  /** Stores each row by itself; one that is not taken again stays. */
  async replay(ids: readonly string[]): Promise<ReplayResult> {
    checkIds(ids);
    const failures: { id: string; reason: string }[] = [];
    for (const id of ids) {
      const reason = await this.#replayOne(id);
      if (reason !== undefined) failures.push({ id, reason });
    }
    return { replayed: ids.length - failures.length, failures };
  }

  async drop(ids: readonly string[]): Promise<number> {
    checkIds(ids);
    return await this.#classified(() => dropDeadLetters(this.#db, ids));
  }

  /** Why a row is not stored; undefined when it is. */
  async #replayOne(id: string): Promise<string | undefined> {
    try {
      const table = await this.#writer.transaction((trx, client) =>
        replayDeadLetter(trx, client, id, this.#books),
      );
      if (table === undefined) return 'there is no such dead letter';
      this.#replayed.inc({ table });
      return undefined;
    } catch (error) {
      const classified = classifyDatabaseError(error);
      if (!mayBeDataFault(classified)) throw classified;
      return classified.message;
    }
  }

  async #classified<T>(work: () => Promise<T>): Promise<T> {
    return await work().catch((error) => {
      throw classifyDatabaseError(error);
    });
  }
}

/** Throws a `ServiceError` for what are no ids, or too many. */
export function checkIds(ids: readonly string[]): void {
  const invalid = (reason: string) =>
    new ServiceError('invalid', `ids ${reason}`, { field: 'ids' });
  if (ids.length > idsMax)
    throw invalid(`has ${ids.length} entries; at most ${idsMax} are allowed`);
  const wrong = ids.find((id) => !isUuid(id));
  if (wrong !== undefined) throw invalid(`has ${JSON.stringify(wrong)}, which is not a UUID`);
}
