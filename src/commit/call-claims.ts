import { sql, type Transaction } from 'kysely';
import type { EncodedRows } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { mayBeDataFault } from '../postgres/sqlstate.ts';
import type { CallKeys } from '../records/call-key.ts';
import { readRowStart } from '../records/tuples.ts';
import { type Call, callsOf, inOrder, keyOfUuid, uuidOfKey } from './calls.ts';
import { rowsOf } from './divide.ts';

/** Where the record of a call is stored. */
export interface Place {
  readonly id: string;
  readonly timestampUs: number;
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
      const keys = this.#keys.keysOf(row);
      const known = keys.map((key) => this.#places.get(key)).find((place) => place !== undefined);
      if (known) repetitions.push({ row, place: known });
      else fresh.push(row);
      const place = known ?? readRowStart(row);
      // What has another of its keys is about the same call.
      for (const key of keys) if (!this.#places.has(key)) this.#places.set(key, place);
    }
    if (repetitions.length === 0) return { rows: { count, copy }, repetitions };
    return { rows: { count: fresh.length, copy: Buffer.concat(fresh) }, repetitions };
  }

  /** Rows were not stored after all: the next of their calls may be. */
  release(rows: readonly Uint8Array[]): void {
    if (rows.length === 0) return;
    const ids = new Set(rows.map((row) => readRowStart(row).id));
    for (const [key, { id }] of this.#places) if (ids.has(id)) this.#places.delete(key);
  }

  /** Whether a place that was given is still one. */
  isStored({ row, place }: Repetition): boolean {
    return this.#keys.keysOf(row).some((key) => this.#places.get(key) === place);
  }

  /** Has the claims say what became of them, where some of the rows were not stored, or elsewhere. */
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
