import type { Kysely, Transaction } from 'kysely';
import type pg from 'pg';
import { createKyselyOn } from '../database/kysely.ts';
import type { Database } from '../database/schema.ts';
import { transactionStartOf } from '../postgres/client.ts';
import { mayBeDataFault } from '../postgres/sqlstate.ts';
import { copyRows, type Load } from './copy.ts';
import { plansIn } from './erasures.ts';
import { doubtSchemaInUse, findSchemaInUse, schemaInUse } from './schema-in-use.ts';
import { isKept, keepSession } from './session.ts';

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

  /**
   * Commits rows of which PostgreSQL takes all or none, in one round trip; none where a statement
   * fails that comes before them.
   */
  async copy(loads: readonly Load[], condition: (client: pg.ClientBase) => string): Promise<void> {
    await this.withConnection(async (client) => {
      try {
        await keepSession(client, plansIn);
        const start = transactionStartOf(client);
        const begin = isKept(client) ? start?.beginInSession : start?.beforeCopy;
        await copyRows(client, loads, `${begin ?? 'begin'};${condition(client)}`);
      } catch (error) {
        if (mayBeDataFault(error)) await client.query('rollback');
        throw error;
      }
    });
  }

  /** Lends a connection without a transaction. */
  async withConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      await findSchemaInUse(client);
      return await work(client);
    } catch (error) {
      doubtSchemaInUse(client, error);
      failure = error as Error;
      throw error;
    } finally {
      // After any other failure nobody knows what state the connection is in.
      client.release(failure && !mayBeDataFault(failure) ? failure : undefined);
    }
  }

  #kyselyOn(client: pg.PoolClient): Kysely<Database> {
    const kysely = this.#kysely.get(client) ?? createKyselyOn(client);
    this.#kysely.set(client, kysely);
    const schema = schemaInUse(client);
    return schema === undefined ? kysely : kysely.withSchema(schema);
  }
}
