import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { type RecordKind, recordKinds, tables } from '../records/tables.ts';
import { readTuple } from '../records/tuples.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { copyRows, tableOf } from './copy.ts';
import type { UnstorableRow } from './divide.ts';

/** A row that PostgreSQL did not take, as operators see it. */
export interface DeadLetter {
  readonly id: string;
  readonly table_name: string;
  readonly batch_id: string;
  readonly reason: string;
  readonly created_at: Date;
  readonly payload: unknown;
}

function kindOf(table: string): RecordKind {
  const kind = recordKinds.find((each) => tables[each].name === table);
  if (kind === undefined) throw new ServiceError('permanent', `nobody writes to ${table} here`);
  return kind;
}

/** Keeps unstorable rows, in the transaction that stores the rest of their batch; the same ones once. */
export async function keepDeadLetters(
  trx: Transaction<Database>,
  batchId: string,
  rows: readonly UnstorableRow[],
): Promise<void> {
  for (const { kind, row, reason } of rows) {
    const payload = JSON.stringify(readTuple(row, tableOf(kind, row)));
    const hash = createHash('sha256').update(uuidBytes(batchId)).update(row).digest();
    await trx
      .insertInto('dead_letters')
      .values({
        id: uuidText(hash.subarray(0, 16)),
        batch_id: batchId,
        table_name: tables[kind].name,
        row: Buffer.from(row),
        payload,
        reason,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** The newest dead letters, at most `limit`. */
export async function listDeadLetters(db: Kysely<Database>, limit: number): Promise<DeadLetter[]> {
  return await db
    .selectFrom('dead_letters')
    .select(['id', 'table_name', 'batch_id', 'reason', 'created_at', 'payload'])
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
}

export async function countDeadLetters(db: Kysely<Database>): Promise<number> {
  const { count } = await db
    .selectFrom('dead_letters')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/**
 * Stores a dead letter after all and forgets it, in one transaction: `client` is the connection
 * that `trx` runs on. Resolves with the table, undefined when there is none of that id. Throws
 * what PostgreSQL says.
 */
export async function replayDeadLetter(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  id: string,
): Promise<string | undefined> {
  const letter = await trx
    .deleteFrom('dead_letters')
    .where('id', '=', id)
    .returning(['table_name', 'row'])
    .executeTakeFirst();
  if (!letter) return undefined;
  const { table_name, row } = letter;
  await copyRows(client, [{ table: tableOf(kindOf(table_name), row), rows: [row] }]);
  return letter.table_name;
}

export async function dropDeadLetters(
  db: Kysely<Database>,
  ids: readonly string[],
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('dead_letters')
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
