import { createHash } from 'node:crypto';
import { type Insertable, type Kysely, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { mayBeDataFault } from '../postgres/sqlstate.ts';
import { byKind, type RecordKind, recordKinds, tables } from '../records/tables.ts';
import { readTuple } from '../records/tuples.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { CallClaims } from './call-claims.ts';
import { newCallKeys } from './calls.ts';
import { noteLoads } from './commit-notes.ts';
import { copyRows, tableOf } from './copy.ts';
import type { UnstorableRow } from './divide.ts';
import { fillCalls } from './fill-calls.ts';

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

/**
 * Keeps unstorable rows, in the transaction that stores the rest of their batch; the same ones
 * once. What is in them is no reason not to: where PostgreSQL does not take what people would
 * read either, the bytes are all that is kept.
 */
export async function keepDeadLetters(
  trx: Transaction<Database>,
  batchId: string,
  rows: readonly UnstorableRow[],
): Promise<void> {
  const ids = letterIds(batchId, rows);
  const letters = rows.map(({ kind, row, reason }, index) => ({
    id: ids[index] as string,
    batch_id: batchId,
    table_name: tables[kind].name,
    row: Buffer.from(row),
    payload: readable(kind, row),
    reason,
  }));
  if (letters.length === 0 || (await isInserted(trx, letters))) return;
  for (const letter of letters) {
    if (await isInserted(trx, [letter])) continue;
    const reason = letter.reason.replaceAll(/[^\x20-\x7e]/g, '?');
    await insert(trx, [{ ...letter, payload: '{}', reason }]);
  }
}

type NewLetter = Readonly<Insertable<Database['dead_letters']>>;

/** The same for the same rows of a batch, however often it comes, and another for each of them. */
function letterIds(batchId: string, rows: readonly UnstorableRow[]): string[] {
  const seen = new Map<string, number>();
  return rows.map(({ row }) => {
    const hash = createHash('sha256').update(uuidBytes(batchId)).update(row);
    const first = hash.copy().digest('hex');
    const before = seen.get(first) ?? 0;
    seen.set(first, before + 1);
    const digest = before === 0 ? hash.digest() : hash.update(String(before)).digest();
    return uuidText(digest.subarray(0, 16));
  });
}

/** Of a row that PostgreSQL can't read, nothing may be readable. */
function readable(kind: RecordKind, row: Uint8Array): string {
  try {
    return JSON.stringify(readTuple(row, tableOf(kind, row)));
  } catch {
    return '{}';
  }
}

/** Whether letters are kept; undone where something in them is not taken. */
async function isInserted(trx: Transaction<Database>, letters: NewLetter[]): Promise<boolean> {
  await sql`savepoint letters`.execute(trx);
  try {
    await insert(trx, letters);
    return true;
  } catch (error) {
    if (!mayBeDataFault(error)) throw error;
    await sql`rollback to savepoint letters`.execute(trx);
    return false;
  }
}

async function insert(trx: Transaction<Database>, letters: NewLetter[]): Promise<void> {
  for (const some of inChunks(letters)) {
    await trx
      .insertInto('dead_letters')
      .values(some)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Six parameters a row, of which a statement has 65,535 at most. */
const lettersMax = 1000;

function* inChunks<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += lettersMax) yield items.slice(at, at + lettersMax);
}

const shown = ['id', 'table_name', 'batch_id', 'reason', 'created_at', 'payload'] as const;

/** The newest dead letters, at most `limit`. */
export async function listDeadLetters(db: Kysely<Database>, limit: number): Promise<DeadLetter[]> {
  return await db
    .selectFrom('dead_letters')
    .select(shown)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
}

export async function findDeadLetters(
  db: Kysely<Database>,
  ids: readonly string[],
): Promise<DeadLetter[]> {
  return await db
    .selectFrom('dead_letters')
    .select(shown)
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute();
}

/** Ids in order, from the one after `last` on. */
export async function deadLetterIds(
  db: Kysely<Database>,
  last: string,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('dead_letters')
    .select('id')
    .where('id', '>', last)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

export async function countDeadLetters(db: Kysely<Database>): Promise<number> {
  const { count } = await db
    .selectFrom('dead_letters')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/**
 * Stores a dead letter after all and forgets it, in one transaction; a call that is stored
 * meanwhile has what it says filled in: `client` is the connection
 * that `trx` runs on. Resolves with the table, undefined when there is none of that id. Throws
 * what PostgreSQL says.
 */
export async function replayDeadLetter(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  id: string,
  books: Bookkeeping,
): Promise<string | undefined> {
  const letter = await trx
    .deleteFrom('dead_letters')
    .where('id', '=', id)
    .returning(['table_name', 'row'])
    .executeTakeFirst();
  if (!letter) return undefined;
  const { table_name, row } = letter;
  const kind = kindOf(table_name);
  const calls = await CallClaims.claim(trx, newCallKeys(), kind === 'usage' ? [row] : []);
  const { rows, repetitions } = calls.part({ count: 1, copy: row });
  if (rows.count > 0) {
    const stored = byKind((each) => ({ copy: each === kind ? row : new Uint8Array() }));
    const load = { table: tableOf(kind, row), rows: [row] };
    const loads = await books.fresh.loads([{ rows: stored }]);
    await copyRows(client, [load, ...loads, ...noteLoads([{ kind, rows: [row] }])]);
  }
  await fillCalls(trx, client, repetitions, books);
  await calls.correct(trx);
  return table_name;
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
