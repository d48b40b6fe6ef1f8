import { ServiceError } from '../errors.ts';
import type { MessageReader } from '../serve/envelopes.ts';

/** Of a batch: its id, events, usage. The library reads them by length, whatever else a tag says. */
const fieldNumbers = { least: 1, greatest: 3, ofRecords: 2 };
const [varint, fixed64, delimited, groupBegin, groupEnd, fixed32] = [0, 1, 2, 3, 4, 5];

/**
 * Counts the records of a batch in protobuf's encoding while its bytes come in: each would become
 * an object of sixty times its two bytes. Whoever sends somewhat too many is told how many, later.
 */
export class RecordCounter implements MessageReader {
  readonly #rowsMax: number;
  #records = 0;
  #expected: 'tag' | 'length' | 'value' = 'tag';
  /** The number under way, and how many bits of it have come. */
  #number = 0;
  #bits = 0;
  #skip = 0;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  /** Throws a `ServiceError` past twice as many records as are allowed. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const byte = bytes[at++] as number;
      if (this.#bits < 32) this.#number = (this.#number | ((byte & 0x7f) << this.#bits)) >>> 0;
      this.#bits += 7;
      if ((byte & 0x80) !== 0) continue;
      const number = this.#number;
      this.#number = this.#bits = 0;
      this.#take(number);
    }
  }

  #take(number: number): void {
    const what = this.#expected;
    this.#expected = 'tag';
    if (what === 'length') this.#skip = number;
    else if (what === 'tag') this.#begin(number >>> 3, number & 7);
  }

  #begin(field: number, wireType: number): void {
    const { least, greatest, ofRecords } = fieldNumbers;
    if (field >= ofRecords && field <= greatest) this.#count();
    if (wireType === delimited || (field >= least && field <= greatest)) this.#expected = 'length';
    else if (wireType === varint) this.#expected = 'value';
    else if (wireType === fixed64) this.#skip = 8;
    else if (wireType === fixed32) this.#skip = 4;
    // What is malformed, the library says.
    else if (wireType !== groupBegin && wireType !== groupEnd)
      this.#skip = Number.POSITIVE_INFINITY;
  }

  #count(): void {
    this.#records += 1;
    if (this.#records <= 2 * this.#rowsMax) return;
    const text = `the batch has more than ${2 * this.#rowsMax} records; at most ${this.#rowsMax} are allowed: send several batches`;
    throw new ServiceError('invalid', text, { field: 'events' });
  }
}
