import { sql, type Transaction } from 'kysely';
import type { EncodedRows } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { mayBeDataFault } from '../postgres/sqlstate.ts';
import { providerName } from '../prices/provider.ts';
import { CallKeys } from '../records/call-key.ts';
import { joinTuple, readRowStart } from '../records/tuples.ts';
import { uuidBytes } from '../uuid.ts';
import type { Load } from './copy.ts';
import { rowsOf } from './divide.ts';

/** Where the record of a call is stored. */
export interface Place {
  readonly id: string;
  readonly timestampUs: number;
}

/** A usage record that says which call it is about. */
export interface Call {
  /** As `CallKeys` has it. */
  readonly key: string;
  readonly row: Uint8Array;
}

/** A record of a call that is stored already, or is about to be. */
export interface Repetition {
  readonly row: Uint8Array;
  readonly place: Place;
}

/** The rows of a batch, and what is not to be stored of it again. */
export interface PartedRows {
  readonly rows: EncodedRows;
  readonly repetitions: readonly Repetition[];
}

export const newCallKeys = (): CallKeys => new CallKeys(providerName);

/** The calls that rows are about, in their order. */
export function callsOf(keys: CallKeys, copies: readonly Uint8Array[]): Call[] {
  const calls: Call[] = [];
  for (const copy of copies) {
    for (const row of rowsOf(copy)) {
      const key = keys.keyOf(row);
      if (key !== undefined) calls.push({ key, row });
    }
  }
  return calls;
}

/**
 * In the order of their keys: two collectors with the same calls wait for each other and never
 * deadlock. Numbers are compared in less time than texts are.
 */
const inOrder = (calls: readonly Call[]): Call[] =>
  calls
    .map((call) => ({ call, first: firstBytes(call.key) }))
    .sort((a, b) => a.first - b.first || (a.call.key < b.call.key ? -1 : 1))
    .map(({ call }) => call);

/** As many as a number holds. */
function firstBytes(key: string): number {
  let number = 0;
  for (let at = 0; at < 6; at++) number = number * 256 + key.charCodeAt(at);
  return number;
}

const columns = ['call_key', 'row_id', 'row_time'];
const emptyClaim = joinTuple([Buffer.alloc(16), Buffer.alloc(16), Buffer.alloc(8)]);
/** Where values are in it. */
const claimAt = { key: 6, rowId: 26, rowTime: 46 };

/** The claims of calls none of which is known, nor there twice; the table takes none otherwise. */
export function newCallClaims(calls: readonly Call[]): Load {
  const claims = Buffer.allocUnsafe(calls.length * emptyClaim.length);
  let at = 0;
  for (const { key, row } of inOrder(calls)) {
    claims.set(emptyClaim, at);
    claims.write(key, at + claimAt.key, 'latin1');
    // Id and time are where they are in every row; of so few bytes, a copy costs more than each.
    for (let byte = 0; byte < 16; byte++) claims[at + claimAt.rowId + byte] = row[6 + byte] ?? 0;
    for (let byte = 0; byte < 8; byte++) claims[at + claimAt.rowTime + byte] = row[26 + byte] ?? 0;
    at += emptyClaim.length;
  }
  return { table: { name: 'call_claims', columns }, rows: [claims] };
}

/** A key as the table has it, and back. */
const uuidOfKey = (key: string): string => Buffer.from(key, 'latin1').toString('hex');
const keyOfUuid = (uuid: string): string => Buffer.from(uuidBytes(uuid)).toString('latin1');

export const hasRepetitions = (calls: readonly Call[]): boolean =>
  new Set(calls.map(({ key }) => key)).size < calls.length;

/** Who stores which call, in one transaction: the first that has claimed it. */
export class CallClaims {
  readonly #keys: CallKeys;
  /** By key, where each is stored, here or elsewhere. */
  readonly #places: Map<string, Place>;
  /** Of the calls that are claimed here, what the claims say. */
  readonly #claimed: ReadonlyMap<string, Place>;

  private constructor(
    keys: CallKeys,
    places: Map<string, Place>,
    claimed: ReadonlyMap<string, Place>,
  ) {
    this.#keys = keys;
    this.#places = places;
    this.#claimed = claimed;
  }

  /** Claims the calls of rows. READ COMMITTED: what others have committed meanwhile is seen. */
  static async claim(
    trx: Transaction<Database>,
    keys: CallKeys,
    copies: readonly Uint8Array[],
  ): Promise<CallClaims> {
    // The first of each key.
    const firsts = new Map(
      callsOf(keys, copies)
        .toReversed()
        .map((call) => [call.key, call]),
    );
    const calls = inOrder([...firsts.values()]);
    if (calls.length === 0) return CallClaims.none(keys);
    const mine = await insertClaims(trx, calls);
    const claimed = new Map<string, Place>();
    for (const { key, row } of calls) if (mine.has(key)) claimed.set(key, readRowStart(row));
    const others = calls.filter(({ key }) => !mine.has(key)).map(({ key }) => key);
    return new CallClaims(keys, await findPlaces(trx, others), claimed);
  }

  /** The same where the table may not take them: then the rows are stored without. */
  static async claimDivided(
    trx: Transaction<Database>,
    keys: CallKeys,
    copies: readonly Uint8Array[],
  ): Promise<CallClaims> {
    await sql`savepoint calls`.execute(trx);
    try {
      return await CallClaims.claim(trx, keys, copies);
    } catch (error) {
      if (!mayBeDataFault(error)) throw error;
      await sql`rollback to savepoint calls`.execute(trx);
      return CallClaims.none(keys);
    }
  }

  static none(keys: CallKeys): CallClaims {
    return new CallClaims(keys, new Map(), new Map());
  }

  /** Whether any rows say which call they are about. */
  get any(): boolean {
    return this.#places.size + this.#claimed.size > 0;
  }

  /** Parts rows of calls that are stored already from all others, which are stored from now on. */
  part({ count, copy }: EncodedRows): PartedRows {
    if (!this.any) return { rows: { count, copy }, repetitions: [] };
    const repetitions: Repetition[] = [];
    const fresh: Uint8Array[] = [];
    for (const row of rowsOf(copy)) {
      const key = this.#keys.keyOf(row);
      const place = key === undefined ? undefined : this.#places.get(key);
      if (place) {
        repetitions.push({ row, place });
        continue;
      }
      fresh.push(row);
      if (key !== undefined) this.#places.set(key, readRowStart(row));
    }
    if (repetitions.length === 0) return { rows: { count, copy }, repetitions };
    return { rows: { count: fresh.length, copy: Buffer.concat(fresh) }, repetitions };
  }

  /** Rows were not stored after all: the next of their calls may be. */
  release(rows: readonly Uint8Array[]): void {
    for (const row of rows) {
      const key = this.#keys.keyOf(row);
      if (key !== undefined) this.#places.delete(key);
    }
  }

  /** Whether a place that was given is still one. */
  isStored({ row, place }: Repetition): boolean {
    const key = this.#keys.keyOf(row);
    return key !== undefined && this.#places.get(key) === place;
  }

  /** Has the claims say what became of them, where some of the rows were not stored. */
  async correct(trx: Transaction<Database>): Promise<void> {
    for (const [key, { id }] of this.#claimed) {
      const place = this.#places.get(key);
      if (place?.id === id) continue;
      const claim = { row_id: place?.id ?? id, row_time: sql<Date>`${timeText(place)}` };
      await (place
        ? trx.updateTable('call_claims').set(claim).where('call_key', '=', uuidOfKey(key)).execute()
        : trx.deleteFrom('call_claims').where('call_key', '=', uuidOfKey(key)).execute());
    }
  }
}

/** A time in microseconds as PostgreSQL reads it, whatever its settings. */
export function timeText(place: Pick<Place, 'timestampUs'> | undefined): string | null {
  if (!place) return null;
  const ms = Math.floor(place.timestampUs / 1000);
  const us = place.timestampUs - ms * 1000;
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us).padStart(3, '0')}Z`;
}

async function insertClaims(
  trx: Transaction<Database>,
  calls: readonly Call[],
): Promise<Set<string>> {
  const places = calls.map(({ row }) => readRowStart(row));
  const inTheirOrder = sql<never>`
    select call_key, row_id, row_time
    from unnest(
      ${calls.map(({ key }) => uuidOfKey(key))}::uuid[],
      ${places.map(({ id }) => id)}::uuid[],
      ${places.map(timeText)}::timestamptz[]
    ) with ordinality as call (call_key, row_id, row_time, position)
    order by position`;
  const rows = await trx
    .insertInto('call_claims')
    .columns(['call_key', 'row_id', 'row_time'])
    .expression(() => inTheirOrder)
    .onConflict((conflict) => conflict.column('call_key').doNothing())
    .returning('call_key')
    .execute();
  return new Set(rows.map(({ call_key }) => keyOfUuid(call_key)));
}

async function findPlaces(
  trx: Transaction<Database>,
  keys: readonly string[],
): Promise<Map<string, Place>> {
  if (keys.length === 0) return new Map();
  const rows = await trx
    .selectFrom('call_claims')
    .select([
      'call_key',
      'row_id',
      sql<number>`(extract(epoch from row_time) * 1000000)::bigint`.as('us'),
    ])
    .where('call_key', '=', sql<string>`any(${keys.map(uuidOfKey)}::uuid[])`)
    .execute();
  return new Map(
    rows.map(({ call_key, row_id, us }) => [
      keyOfUuid(call_key),
      { id: row_id, timestampUs: Number(us) },
    ]),
  );
}
