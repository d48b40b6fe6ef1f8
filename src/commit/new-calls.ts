import { ByteWriter } from '../records/byte-writer.ts';
import type { CallKeys } from '../records/call-key.ts';
import { joinTuple } from '../records/tuples.ts';
import type { Load } from './copy.ts';

export const claimsTable = { name: 'call_claims', columns: ['call_key', 'row_id', 'row_time'] };
const emptyClaim = joinTuple([Buffer.alloc(16), Buffer.alloc(16), Buffer.alloc(8)]);
const claimBytes = emptyClaim.length;
/** Where values are in it, and in a row. */
const claimAt = { key: 6, rowId: 26, rowTime: 46 };
const rowAt = { id: 6, time: 26 };
const keyBytes = 16;
/** Of a key, as many as a number holds. */
const firstBytes = 6;
/** Numbers up to here are exact. */
const numbersMax = 2 ** 53;

type Keys = Pick<CallKeys, 'keysAt' | 'end'>;

/** The calls that the rows of a group are about, and what claims them where all are new. */
export class NewCalls {
  /** Most groups have no calls, and need no room. */
  readonly #claims = new ByteWriter(0);
  /** Where each claim begins, in the order of the keys. */
  readonly #order: Int32Array;
  /** Whether some are about the same call. */
  repeat = false;

  constructor(keys: Keys, copies: readonly Uint8Array[]) {
    for (const { buffer, byteOffset, byteLength } of copies) {
      if (byteLength > 0) this.#find(keys, Buffer.from(buffer, byteOffset, byteLength));
    }
    this.#order = new Int32Array(this.count);
    this.#sort();
  }

  get count(): number {
    return this.#claims.length / claimBytes;
  }

  /** The table takes none of them where one is known. */
  load(): Load {
    const claims = this.#claims.buffer;
    const sorted = Buffer.allocUnsafe(this.#claims.length);
    let to = 0;
    for (let from of this.#order) {
      // Of so few bytes, a copy costs more than each.
      for (const end = to + claimBytes; to < end; ) sorted[to++] = claims[from++] as number;
    }
    return { table: claimsTable, rows: [sorted] };
  }

  #find(keys: Keys, copy: Buffer): void {
    for (let at = 0; at < copy.length; at = keys.end) {
      const found = keys.keysAt(copy, at);
      // What is damaged, PostgreSQL does not take.
      if (keys.end <= at || keys.end > copy.length) return;
      for (const key of found) this.#add(key, copy, at);
    }
  }

  #add(key: string, row: Buffer, at: number): void {
    const to = this.#claims.reserve(claimBytes);
    const { buffer } = this.#claims;
    buffer.set(emptyClaim, to);
    for (let byte = 0; byte < keyBytes; byte++) {
      buffer[to + claimAt.key + byte] = key.charCodeAt(byte);
    }
    for (let byte = 0; byte < 16; byte++) {
      buffer[to + claimAt.rowId + byte] = row[at + rowAt.id + byte] as number;
    }
    for (let byte = 0; byte < 8; byte++) {
      buffer[to + claimAt.rowTime + byte] = row[at + rowAt.time + byte] as number;
    }
    this.#claims.length = to + claimBytes;
  }

  /**
   * By numbers made of their first bits and, below these, which they are: sorting such takes a
   * fraction of what comparing keys does. What these bits don't tell apart is put in order after it.
   */
  #sort(): void {
    const { count } = this;
    const claims = this.#claims.buffer;
    const places = 2 ** Math.ceil(Math.log2(count + 1));
    const unit = Math.max(1, (256 ** firstBytes * places) / numbersMax);
    const numbers = new Float64Array(count);
    for (let index = 0; index < count; index++) {
      const first = claims.readUIntBE(index * claimBytes + claimAt.key, firstBytes);
      numbers[index] = Math.floor(first / unit) * places + index;
    }
    numbers.sort();
    let before = -1;
    for (let place = 0; place < count; place++) {
      const number = numbers[place] as number;
      const first = Math.floor(number / places);
      this.#order[place] = (number - first * places) * claimBytes;
      if (first === before) this.#settle(place);
      before = first;
    }
  }

  /** Moves a claim that was sorted by its first bits to before those whose keys are greater. */
  #settle(place: number): void {
    const order = this.#order;
    for (let to = place; to > 0; to--) {
      const [before, after] = [order[to - 1] as number, order[to] as number];
      const difference = this.#compare(before, after);
      if (difference === 0) this.repeat = true;
      if (difference <= 0) return;
      order[to - 1] = after;
      order[to] = before;
    }
  }

  #compare(one: number, other: number): number {
    const claims = this.#claims.buffer;
    const [a, b] = [one + claimAt.key, other + claimAt.key];
    return claims.compare(claims, b, b + keyBytes, a, a + keyBytes);
  }
}
