import type { Names } from './names.ts';
import type { JsonScanner } from './scanner.ts';
import { readText } from './text.ts';

/** Of a field. */
export const fieldNumbers = 4;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** A record in bytes that were checked: where it lies, and where its fields do. */
export interface FoundRecord {
  readonly json: Buffer;
  readonly at: number;
  readonly end: number;
  /**
   * Of each field that is known: its slot, doubled, and one more where its value is plain; where its
   * name begins; and the bounds of its value.
   */
  readonly fields: Int32Array;
  readonly fieldsAt: number;
  readonly fieldsEnd: number;
}

/** Of bytes of a message, on average: fewer need no more room. */
const bytesPerNumber = 8;

/** Finds records, and their fields, as their grammar is checked: nothing is walked through twice. */
export class FoundRecords {
  readonly #scanner: JsonScanner;
  readonly #names: Names;
  /** Three numbers for each: its bounds, and where its fields begin. */
  readonly #records: number[] = [];
  #fields = new Int32Array(0);
  #fieldsEnd = 0;

  constructor(scanner: JsonScanner, names: Names) {
    this.#scanner = scanner;
    this.#names = names;
  }

  get length(): number {
    return this.#records.length / 3;
  }

  /** Takes the value that begins at a position for a record; returns where it ends. Throws `JsonFault`. */
  add(at: number): number {
    const scanner = this.#scanner;
    const fieldsAt = this.#fieldsEnd;
    const end = scanner.bytes[at] === openBrace ? this.#object(at) : scanner.value(at);
    this.#records.push(at, end, fieldsAt);
    return end;
  }

  at(index: number): FoundRecord | undefined {
    const [records, fields] = [this.#records, this.#fields];
    const at = records[3 * index];
    if (at === undefined) return undefined;
    return {
      json: this.#scanner.bytes,
      at,
      end: records[3 * index + 1] as number,
      fields,
      fieldsAt: records[3 * index + 2] as number,
      fieldsEnd: records[3 * index + 5] ?? this.#fieldsEnd,
    };
  }

  #object(at: number): number {
    const scanner = this.#scanner;
    const { bytes } = scanner;
    for (at = scanner.first(at, closeBrace); at >= 0; ) {
      const nameEnd = scanner.name(at);
      const slot = scanner.escaped
        ? this.#names.get(readText(bytes, at, nameEnd, true))
        : this.#names.find(bytes, at + 1, nameEnd - 1);
      const valueAt = scanner.keyed(nameEnd);
      scanner.isPlain = true;
      const end = scanner.value(valueAt);
      if (slot >= 0) this.#keep(slot, at, valueAt, end);
      at = scanner.next(end, closeBrace);
    }
    return ~at + 1;
  }

  #keep(slot: number, at: number, valueAt: number, end: number): void {
    if (this.#fieldsEnd + fieldNumbers > this.#fields.length) this.#grow();
    const fields = this.#fields;
    const to = this.#fieldsEnd;
    fields[to] = 2 * slot + (this.#scanner.isPlain ? 1 : 0);
    fields[to + 1] = at;
    fields[to + 2] = valueAt;
    fields[to + 3] = end;
    this.#fieldsEnd = to + fieldNumbers;
  }

  #grow(): void {
    const estimated = this.#scanner.bytes.length / bytesPerNumber;
    const room = Math.max(2 * this.#fields.length, estimated, 16 * fieldNumbers);
    const grown = new Int32Array(room);
    grown.set(this.#fields);
    this.#fields = grown;
  }
}
