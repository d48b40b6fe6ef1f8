import type { JsonScanner } from '../records/json/scanner.ts';
import type { RecordList } from './raw-batch.ts';

const closeBracket = 0x5d;

/** The items of a list of JSON, as views of its bytes that are made when they are asked for. */
export class JsonRecords implements RecordList {
  length = 0;
  readonly #scanner: JsonScanner;
  readonly #lengthMax: number;
  /** Where each begins and ends. */
  readonly #bounds: number[] = [];

  /** Items after the first `lengthMax` are counted, not kept. */
  constructor(scanner: JsonScanner, lengthMax: number) {
    this.#scanner = scanner;
    this.#lengthMax = lengthMax;
  }

  /** Reads the list that opens at a position; returns where it ends. Throws `JsonFault`. */
  read(at: number): number {
    const scanner = this.#scanner;
    at = scanner.first(at, closeBracket);
    while (at >= 0) {
      const end = scanner.value(at);
      if (this.length < this.#lengthMax) this.#bounds.push(at, end);
      this.length += 1;
      at = scanner.next(end, closeBracket);
    }
    return ~at + 1;
  }

  at(index: number): Uint8Array | undefined {
    const [start, end] = [this.#bounds[2 * index], this.#bounds[2 * index + 1]];
    return start === undefined ? undefined : this.#scanner.bytes.subarray(start, end);
  }
}
