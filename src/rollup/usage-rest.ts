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

/** How long the field of a column is at least; texts are of any length. */
const bytesMin = Uint8Array.from(columns, (_, place) =>
  [...tokens, cost, firstToken].includes(place) ? 8 : 1,
);

/** What has a bit of its own beside the tokens. */
interface Bits {
  readonly cost: number;
  readonly unpriced: number;
  readonly unpricedTokens: number;
  readonly ambiguous: number;
  readonly errors: number;
  readonly firstToken: number;
}

/** Tokens, cost, and what else is counted of usage records: the same as `usageSums` in SQL. */
export class UsageRest implements PackedRest {
  /** Where the field of each column is; 0 for none. */
  readonly #from = new Int32Array(columns.length);
  readonly #to = new Int32Array(columns.length);
  readonly #bits: Bits;
  #bytes: DataView = new DataView(new ArrayBuffer(0));
  #mask = 0;

  constructor({ sums, values }: Shape) {
    const parts = [...sums.map(({ name }) => name), ...values.slice(1).map(({ column }) => column)];
    const bitOf = (name: string) => 1 << parts.indexOf(name);
    // Written out, it is read as fast as a constant.
    this.#bits = {
      cost: bitOf('cost_usd'),
      unpriced: bitOf('unpriced'),
      unpricedTokens: bitOf('unpriced_tokens'),
      ambiguous: bitOf('ambiguous'),
      errors: bitOf('errors'),
      firstToken: bitOf('time_to_first_token_ms'),
    };
  }

  wants(column: string): boolean {
    return wanted.has(placeOf(column));
  }

  begin(bytes: DataView): void {
    this.#bytes = bytes;
  }

  restart(): void {
    this.#from.fill(0);
  }

  note(column: number, from: number, to: number): void {
    // What is damaged, PostgreSQL does not take.
    if (to - from < (bytesMin[column] as number)) return;
    this.#from[column] = from;
    this.#to[column] = to;
  }

  mask(): number {
    const bytes = this.#bytes;
    const bits = this.#bits;
    let mask = 0;
    for (let index = 0; index < tokens.length; index++) {
      if (hasBits(bytes, this.#at(tokens[index] as number))) mask |= 1 << index;
    }
    const costAt = this.#at(cost);
    if (costAt > 0 && isFiniteNumeric(bytes, costAt)) mask |= bits.cost;
    else {
      mask |= bits.unpriced;
      if ((mask & 3) !== 0) mask |= bits.unpricedTokens;
    }
    const ambiguousAt = this.#at(ambiguous);
    if (ambiguousAt > 0 && bytes.getUint8(ambiguousAt) === 1) mask |= bits.ambiguous;
    if (this.#isError(bytes)) mask |= bits.errors;
    if (this.#at(firstToken) > 0) mask |= bits.firstToken;
    this.#mask = mask;
    return mask;
  }

  write(writer: ByteWriter): void {
    const [bytes, mask, bits] = [this.#bytes, this.#mask, this.#bits];
    for (let index = 0; index < tokens.length; index++) {
      if ((mask & (1 << index)) !== 0) copyWords(writer, bytes, this.#at(tokens[index] as number));
    }
    if ((mask & bits.unpricedTokens) !== 0) this.#writeTokens(writer, bytes);
    if ((mask & bits.cost) !== 0)
      copyBytes(writer, bytes, this.#at(cost), this.#to[cost] as number);
    if ((mask & bits.firstToken) !== 0) copyWords(writer, bytes, this.#at(firstToken));
  }

  #at(column: number): number {
    return this.#from[column] as number;
  }

  #isError(bytes: DataView): boolean {
    if (this.#at(errorType) > 0) return true;
    const at = this.#at(status);
    return at > 0 && !isOk(bytes, at, this.#to[status] as number);
  }

  /** Input and output together, in 64 bits. */
  #writeTokens(writer: ByteWriter, bytes: DataView): void {
    const [a, b] = [this.#at(input), this.#at(output)];
    const low = lowOf(bytes, a) + lowOf(bytes, b);
    writer.int32(highOf(bytes, a) + highOf(bytes, b) + Math.floor(low / 0x1_0000_0000));
    writer.int32(low);
  }
}

const highOf = (bytes: DataView, at: number): number => (at > 0 ? bytes.getInt32(at) : 0);
const lowOf = (bytes: DataView, at: number): number => (at > 0 ? bytes.getUint32(at + 4) : 0);

/** Whether there is a field of eight bytes, and not all of them are 0. */
const hasBits = (bytes: DataView, at: number): boolean =>
  at > 0 && (bytes.getInt32(at) | bytes.getInt32(at + 4)) !== 0;

/** Numeric has its sign in the third pair of bytes, or that it is NaN or infinite. */
const isFiniteNumeric = (bytes: DataView, at: number): boolean =>
  (bytes.getUint8(at + 4) & 0xc0) !== 0xc0;

const ok = 0x4f4b;
const isOk = (bytes: DataView, from: number, to: number): boolean =>
  to - from === 2 && bytes.getUint16(from) === ok;

/** Copies eight bytes. */
export function copyWords(writer: ByteWriter, bytes: DataView, from: number): void {
  writer.int32(bytes.getInt32(from));
  writer.int32(bytes.getInt32(from + 4));
}

function copyBytes(writer: ByteWriter, bytes: DataView, from: number, to: number): void {
  const start = writer.reserve(to - from);
  const { buffer } = writer;
  for (let at = from; at < to; at++) buffer[start + at - from] = bytes.getUint8(at);
  writer.length = start + to - from;
}
