import { type FoundRecord, FoundRecords } from '../records/json/found-records.ts';
import type { Names } from '../records/json/names.ts';
import type { JsonScanner } from '../records/json/scanner.ts';
import type { RecordList } from './raw-batch.ts';

const closeBracket = 0x5d;

/** The items of a list of JSON. */
export class JsonRecords implements RecordList {
  length = 0;
  readonly #scanner: JsonScanner;
  readonly #lengthMax: number;
  readonly #found: FoundRecords;

  /** Items after the first `lengthMax` are counted, not kept. */
  constructor(scanner: JsonScanner, lengthMax: number, names: Names) {
    this.#scanner = scanner;
    this.#lengthMax = lengthMax;
    this.#found = new FoundRecords(scanner, names);
  }

  /** Reads the list that opens at a position; returns where it ends. Throws `JsonFault`. */
  read(at: number): number {
    const scanner = this.#scanner;
    at = scanner.first(at, closeBracket);
    while (at >= 0) {
      const isKept = this.length < this.#lengthMax;
      const end = isKept ? this.#found.add(at) : scanner.value(at);
      this.length += 1;
      at = scanner.next(end, closeBracket);
    }
    return ~at + 1;
  }

  at(index: number): FoundRecord | undefined {
    return this.#found.at(index);
  }
}
