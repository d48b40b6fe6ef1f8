import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import type pg from 'pg';
import type { Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError } from '../database/sqlstate.ts';
import type { ServiceError } from '../errors.ts';
import { recordKinds, tables } from '../event-types.ts';
import { copyRows } from './copy-rows.ts';
import { claimBatches } from './ledger.ts';

/**
 * Commits groups: the ids of the batches and their rows in one transaction. A group whose data
 * PostgreSQL refuses is committed batch by batch, so that only the batch at fault is refused.
 */
export class GroupCommitter {
  readonly #pool: pg.Pool;
  readonly #kysely = new WeakMap<pg.PoolClient, Kysely<Database>>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** See `CommitGroup`. */
  readonly commit = async (group: Group): Promise<readonly Settlement[]> => {
    try {
      return await this.#commitTogether(group);
    } catch (error) {
      const classified = classifyDatabaseError(error);
      if (classified.kind !== 'permanent') throw classified;
      return await this.#commitOneByOne(group, classified);
    }
  };

  async #commitOneByOne(group: Group, refusal: ServiceError): Promise<readonly Settlement[]> {
    const [only, second] = group.batches;
    if (only && !second) return [{ kind: 'refused', reason: refusal.message }];
    const settlements: Settlement[] = [];
    for (const batch of group.batches) {
      settlements.push(...(await this.commit({ id: group.id, batches: [batch] })));
    }
    return settlements;
  }

  async #commitTogether(group: Group): Promise<readonly Settlement[]> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      return await this.#kyselyOn(client)
        .transaction()
        .execute(async (trx) => {
          const { settlements, claimed } = await claimBatches(trx, group);
          await writeRows(client, claimed);
          return settlements;
        });
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // After a failure nobody knows what state the connection is in.
      client.release(failure);
    }
  }

  /** Kysely on one connection that is lent to it, so that COPY can join its transaction. */
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

async function writeRows(client: pg.ClientBase, batches: readonly Batch[]): Promise<void> {
  for (const kind of recordKinds) {
    const rows = batches.map((batch) => batch[kind]).filter((part) => part.rows > 0);
    if (rows.length > 0) await copyRows(client, tables[kind], rows);
  }
}
