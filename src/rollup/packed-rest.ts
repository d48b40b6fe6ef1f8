import type { ByteWriter } from '../records/byte-writer.ts';
import { MetadataSums } from './metadata-sums.ts';
import type { Shape } from './shapes.ts';
import { UsageRest } from './usage-rest.ts';

/** What there is to pack of a row, beside its series, its time and its first value. */
export interface PackedRest {
  /** Whether it wants to know of a column. */
  wants(column: string): boolean;
  /** Rows follow that lie in these bytes. */
  begin(bytes: DataView): void;
  /** Another row follows. */
  restart(): void;
  /** The place of a column's field, whose number is that in the table. */
  note(column: number, from: number, to: number): void;
  /** Which parts there are of the row; 0 where there is none. */
  mask(): number;
  /** Writes them. */
  write(writer: ByteWriter): void;
}

export const restOf = (shape: Shape): PackedRest =>
  shape.kind === 'usage' ? new UsageRest(shape) : new MetadataRest(shape);

/** What the numbers in metadata have in their names: rows without it need no closer look. */
const hint = 'tokens';

/** Numbers in the metadata. */
class MetadataRest implements PackedRest {
  readonly #sums: MetadataSums;
  #bytes: Buffer = Buffer.alloc(0);
  #nextHint = 0;
  #start = 0;
  #end = 0;

  constructor({ sums }: Shape) {
    this.#sums = new MetadataSums(sums.map(({ name }) => name));
  }

  wants(column: string): boolean {
    return column === 'metadata';
  }

  begin({ buffer, byteOffset, byteLength }: DataView): void {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#nextHint = this.#bytes.indexOf(hint);
  }

  restart(): void {
    this.#start = 0;
  }

  note(_: number, from: number, to: number): void {
    // jsonb begins with its version.
    this.#start = from + 1;
    this.#end = to;
  }

  mask(): number {
    const bytes = this.#bytes;
    const start = this.#start;
    if (start === 0 || this.#nextHint < 0) return 0;
    // Other fields, and rows that are not packed, may have it too.
    if (this.#nextHint < start) this.#nextHint = bytes.indexOf(hint, start);
    if (this.#nextHint < 0 || this.#nextHint >= this.#end) return 0;
    if (!this.#sums.read(bytes, start, this.#end)) return 0;
    let mask = 0;
    const { found } = this.#sums;
    for (let index = 0; index < found.length; index++) {
      if (!Number.isNaN(found[index])) mask |= 1 << index;
    }
    return mask;
  }

  write(writer: ByteWriter): void {
    for (const number of this.#sums.found) if (!Number.isNaN(number)) writer.int64(number);
  }
}
