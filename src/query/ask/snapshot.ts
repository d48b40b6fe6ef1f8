import { type Kysely, sql, type Transaction } from 'kysely';
import { isCitusThere } from '../../database/cluster/layout.ts';
import type { Database } from '../../database/schema.ts';
import { ServiceError } from '../../errors.ts';
import { pause } from '../../pause.ts';
import { classifyDatabaseError } from '../../postgres/sqlstate.ts';
import { KnownWaiting } from '../../rollup/known-waiting.ts';
import type { RollupsRead } from '../../rollup/read.ts';
import type { Line } from './line.ts';

/** One moment of the database, in which a question is answered. */
export interface Snapshot extends RollupsRead {
  readonly trx: Transaction<Database>;
  /** Microseconds since 1970: what was committed before is seen. */
  readonly asOfUs: number;
  /** Whether the database is one of a Citus cluster. */
  readonly hasCitus: boolean;
}

/** What a question sorts and adds up, some ten thousand parts, goes to no file. */
const withinMemory = sql`set_config('work_mem',
  greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 16384)::text || 'kB', true)`;

interface Begun {
  readonly pid: number;
  readonly begun_at: string;
  readonly as_of_us: number;
  readonly has_citus: boolean;
}

const cancelAgainMs = 100;

/** Who asks: aborted when nobody waits for the answer any more. */
export interface Asker {
  readonly signal: AbortSignal;
  /** Of his key; absent without one. */
  readonly keyName?: string | undefined;
  /** Told right before the moment of the database that answers. */
  readonly begins?: () => void;
}

/**
 * Answers questions, each in a read-only transaction that sees one moment. A question ends in
 * PostgreSQL too when whoever asked it has left, and when it takes longer than it may.
 */
export class Snapshots {
  readonly #db: Kysely<Database>;
  readonly #canceller: () => Kysely<Database>;
  readonly #msMax: number;
  readonly #line: Line;
  readonly #waiting = new KnownWaiting();

  /** `canceller`: connections beside those of `db`, which may all be busy. */
  constructor(
    db: Kysely<Database>,
    canceller: () => Kysely<Database>,
    { msMax, line }: { readonly msMax: number; readonly line: Line },
  ) {
    this.#line = line;
    this.#db = db;
    this.#canceller = canceller;
    this.#msMax = msMax;
  }

  /** Throws `ServiceError`. */
  async read<Answer>(
    { signal, begins }: Asker,
    work: (snapshot: Snapshot) => Promise<Answer>,
  ): Promise<Answer> {
    // Not the signals that Node makes of time and of several: they keep all of this until it is late.
    const over = new AbortController();
    const leave = () => over.abort(signal.reason);
    let [isLate, isBegun] = [false, false];
    const timer = setTimeout(() => {
      isLate = true;
      over.abort();
    }, this.#msMax);
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    try {
      return await this.#line.take(over.signal, async () => {
        isBegun = true;
        begins?.();
        return await this.#begin(over.signal, work);
      });
    } catch (error) {
      if (isLate || isTimeout(error)) throw this.#tooLong(isBegun, error);
      if (signal.aborted) throw left(error);
      throw classifyDatabaseError(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  }

  #begin<Answer>(
    over: AbortSignal,
    work: (snapshot: Snapshot) => Promise<Answer>,
  ): Promise<Answer> {
    return this.#db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => {
        over.throwIfAborted();
        const { rows } = await sql<Begun>`
          select pg_backend_pid() as pid, now()::text as begun_at,
            (extract(epoch from now()) * 1000000)::bigint as as_of_us,
            ${isCitusThere} as has_citus,
            set_config('jit', 'off', true), ${withinMemory}`.execute(trx);
        const begun = rows[0] as Begun;
        const ended = new AbortController();
        const cancel = () => this.#cancel(begun, ended.signal);
        over.addEventListener('abort', cancel, { once: true });
        try {
          over.throwIfAborted();
          const { as_of_us: asOfUs, has_citus: hasCitus } = begun;
          return await work({ trx, waiting: this.#waiting, asOfUs, hasCitus });
        } finally {
          over.removeEventListener('abort', cancel);
          ended.abort();
        }
      });
  }

  /**
   * Of the very transaction: its connection may be somebody else's by now. Until it ends, since it
   * may have been between two statements.
   */
  async #cancel({ pid, begun_at }: Begun, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await sql`
        select pg_cancel_backend(pid) from pg_stat_activity
        where pid = ${pid} and xact_start = ${begun_at}::timestamptz`
        .execute(this.#canceller())
        // The statement timeout ends it, too.
        .catch(() => {});
      await pause(cancelAgainMs, ended);
    }
  }

  #tooLong(isBegun: boolean, cause: unknown): ServiceError {
    const reason = isBegun
      ? `the question took longer than ${this.#msMax} ms: ask for less, or for a shorter time`
      : `the question waited longer than ${this.#msMax} ms for others to be answered: ask again, or for less at once`;
    return new ServiceError('deadline', reason, { cause });
  }
}

/** What nobody hears any more, and logs need not tell. */
export const left = (cause: unknown) =>
  new ServiceError('deadline', 'whoever asked has left', { cause });

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: query_canceled, transaction_timeout */
const timeouts = new Set(['57014', '25P04']);

const isTimeout = (error: unknown): boolean =>
  timeouts.has((error as { code?: string } | undefined)?.code ?? '');
