import { Kysely, PostgresDialect, type PostgresPool, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Database } from '../database/schema.ts';
import { mayBeDataFault } from '../database/sqlstate.ts';

/** What a transaction gets: Kysely, and the connection below it for COPY. */
export type Work<T> = (trx: Transaction<Database>, client: pg.ClientBase) => Promise<T>;

/** Transactions in which Kysely and COPY share one connection of a pool. */
export class Writer {
  readonly #pool: pg.Pool;
  readonly #kysely = new WeakMap<pg.PoolClient, Kysely<Database>>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Commits what `work` does, and resolves with its result; throws what the database says. */
  async transaction<T>(work: Work<T>): Promise<T> {
    return await this.withConnection((client) =>
      this.#kyselyOn(client)
        .transaction()
        .execute((trx) => work(trx, client)),
    );
  }

  /** Lends a connection without a transaction. */
  async withConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // After any other failure nobody knows what state the connection is in.
      client.release(failure && !mayBeDataFault(failure) ? failure : undefined);
    }
  }

  #kyselyOn(client: pg.PoolClient): Kysely<Database> {
    const known = this.#kysely.get(client);
    if (known) return known;
    const lent = { query: client.query.bind(client), release: () => {} };
    const pool: PostgresPool = { connect: async () => lent, end: async () => {}, options: {} };
    const kysely = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
    this.#kysely.set(client, kysely);
    return kysely;
  }
}
