import type { ByteWriter } from '../records/byte-writer.ts';
import { tables } from '../records/tables.ts';
import type { PackedRest } from './packed-rest.ts';
import type { Shape } from './shapes.ts';
import { tokenColumns } from './sums.ts';

const columns: readonly string[] = tables.usage.columns;
const placeOf = (column: string): number => columns.indexOf(column);

const tokens = Int32Array.from(Object.values(tokenColumns), placeOf);
const [input, output] = [tokens[0] as number, tokens[1] as number];
const cost = placeOf('cost_usd');
const ambiguous = placeOf('ambiguous');
const errorType = placeOf('error_type');
const status = placeOf('status');
const firstToken = placeOf('time_to_first_token_ms');
const wanted = new Set([...tokens, cost, ambiguous, errorType, status, firstToken]);

/** Tokens, cost, and what else is counted of usage records: the same as `usageSums` in SQL. */
export class UsageRest implements PackedRest {
  /** Where the field of each column is; 0 for none. */
  readonly #from = new Int32Array(columns.length);
  readonly #to = new Int32Array(columns.length);
  readonly #bits: Readonly<Record<string, number>>;
  #mask = 0;

  constructor({ sums, values }: Shape) {
    const parts = [...sums.map(({ name }) => name), ...values.slice(1).map(({ column }) => column)];
    this.#bits = Object.fromEntries(parts.map((name, index) => [name, 1 << index]));
  }

  wants(column: string): boolean {
    return wanted.has(placeOf(column));
  }

  begin(): void {}

  restart(): void {
    this.#from.fill(0);
  }

  note(column: number, from: number, to: number): void {
    this.#from[column] = from;
    this.#to[column] = to;
  }

  mask(bytes: Buffer): number {
    const bits = this.#bits;
    let mask = 0;
    for (let index = 0; index < tokens.length; index++) {
      if (hasBits(bytes, this.#from[tokens[index] as number] as number)) mask |= 1 << index;
    }
    const costAt = this.#from[cost] as number;
    if (costAt > 0 && isFiniteNumeric(bytes, costAt)) mask |= bits.cost_usd as number;
    else {
      mask |= bits.unpriced as number;
      if ((mask & 3) !== 0) mask |= bits.unpriced_tokens as number;
    }
    const ambiguousAt = this.#from[ambiguous] as number;
    if (ambiguousAt > 0 && bytes[ambiguousAt] === 1) mask |= bits.ambiguous as number;
    if (this.#isError(bytes)) mask |= bits.errors as number;
    if ((this.#from[firstToken] as number) > 0) mask |= bits.time_to_first_token_ms as number;
    this.#mask = mask;
    return mask;
  }

  write(writer: ByteWriter, bytes: Buffer): void {
    const mask = this.#mask;
    for (let index = 0; index < tokens.length; index++) {
      if ((mask & (1 << index)) !== 0) this.#copy(writer, bytes, tokens[index] as number);
    }
    if ((mask & (this.#bits.unpriced_tokens as number)) !== 0) this.#writeTokens(writer, bytes);
    if ((mask & (this.#bits.cost_usd as number)) !== 0) this.#copy(writer, bytes, cost);
    if ((mask & (this.#bits.time_to_first_token_ms as number)) !== 0) {
      this.#copy(writer, bytes, firstToken);
    }
  }

  #isError(bytes: Buffer): boolean {
    if ((this.#from[errorType] as number) > 0) return true;
    const at = this.#from[status] as number;
    return at > 0 && !isOk(bytes, at, this.#to[status] as number);
  }

  #copy(writer: ByteWriter, bytes: Buffer, column: number): void {
    copyBytes(writer, bytes, this.#from[column] as number, this.#to[column] as number);
  }

  /** Input and output together, in 64 bits. */
  #writeTokens(writer: ByteWriter, bytes: Buffer): void {
    const [a, b] = [this.#from[input] as number, this.#from[output] as number];
    const low = lowOf(bytes, a) + lowOf(bytes, b);
    writer.int32(highOf(bytes, a) + highOf(bytes, b) + Math.floor(low / 0x1_0000_0000));
    writer.int32(low);
  }
}

const highOf = (bytes: Buffer, at: number): number => (at > 0 ? bytes.readInt32BE(at) : 0);
const lowOf = (bytes: Buffer, at: number): number => (at > 0 ? bytes.readUInt32BE(at + 4) : 0);

/** Whether there is a field of eight bytes, and not all of them are 0. */
function hasBits(bytes: Buffer, at: number): boolean {
  if (at === 0) return false;
  return (word(bytes, at) | word(bytes, at + 4)) !== 0;
}

const word = (bytes: Buffer, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);

/** Numeric has its sign in the third pair of bytes, or that it is NaN or infinite. */
const isFiniteNumeric = (bytes: Buffer, at: number): boolean =>
  ((bytes[at + 4] as number) & 0xc0) !== 0xc0;

const [letterO, letterK] = [0x4f, 0x4b];
const isOk = (bytes: Buffer, from: number, to: number): boolean =>
  to - from === 2 && bytes[from] === letterO && bytes[from + 1] === letterK;

export function copyBytes(writer: ByteWriter, bytes: Buffer, from: number, to: number): void {
  const start = writer.reserve(to - from);
  const { buffer } = writer;
  for (let at = from; at < to; at++) buffer[start + at - from] = bytes[at] as number;
  writer.length = start + to - from;
}
