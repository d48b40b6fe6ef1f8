import { tables } from '../records/tables.ts';
import type { PackedRest } from './packed-rest.ts';
import type { PackedWriter } from './packed-writer.ts';
import type { RowFields } from './row-fields.ts';
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
  readonly #bits: Bits;

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

  mask(row: RowFields): number {
    const { bytes } = row;
    const bits = this.#bits;
    let mask = 0;
    for (let index = 0; index < tokens.length; index++) {
      if (hasBits(bytes, row.at(tokens[index] as number, 8))) mask |= 1 << index;
    }
    const costAt = row.at(cost, 8);
    if (costAt > 0 && isFiniteNumeric(bytes, costAt)) mask |= bits.cost;
    else {
      mask |= bits.unpriced;
      if ((mask & 3) !== 0) mask |= bits.unpricedTokens;
    }
    const ambiguousAt = row.at(ambiguous, 1);
    if (ambiguousAt > 0 && bytes.getUint8(ambiguousAt) === 1) mask |= bits.ambiguous;
    if (row.at(errorType, 1) > 0 || isFailed(row)) mask |= bits.errors;
    if (row.at(firstToken, 8) > 0) mask |= bits.firstToken;
    return mask;
  }

  write(writer: PackedWriter, row: RowFields, mask: number): void {
    const { bytes } = row;
    const bits = this.#bits;
    for (let index = 0; index < tokens.length; index++) {
      if ((mask & (1 << index)) !== 0) writer.copyWords(bytes, row.at(tokens[index] as number, 8));
    }
    if ((mask & bits.unpricedTokens) !== 0) writeTokens(writer, row);
    if ((mask & bits.cost) !== 0) writer.copyBytes(bytes, row.at(cost, 8), row.end(cost));
    if ((mask & bits.firstToken) !== 0) writer.copyWords(bytes, row.at(firstToken, 8));
  }
}

function isFailed(row: RowFields): boolean {
  const at = row.at(status, 1);
  return at > 0 && !(row.end(status) - at === 2 && row.bytes.getUint16(at) === ok);
}

/** Input and output together, in 64 bits. */
function writeTokens(writer: PackedWriter, row: RowFields): void {
  const { bytes } = row;
  const [a, b] = [row.at(input, 8), row.at(output, 8)];
  const low = lowOf(bytes, a) + lowOf(bytes, b);
  writer.int32(highOf(bytes, a) + highOf(bytes, b) + Math.floor(low / 0x1_0000_0000));
  writer.int32(low);
}

const highOf = (bytes: DataView, at: number): number => (at > 0 ? bytes.getInt32(at) : 0);
const lowOf = (bytes: DataView, at: number): number => (at > 0 ? bytes.getUint32(at + 4) : 0);

/** Whether there is a field of eight bytes, and not all of them are 0. */
const hasBits = (bytes: DataView, at: number): boolean =>
  at > 0 && (bytes.getInt32(at) | bytes.getInt32(at + 4)) !== 0;

/** Numeric has its sign in the third pair of bytes, or that it is NaN or infinite. */
const isFiniteNumeric = (bytes: DataView, at: number): boolean =>
  (bytes.getUint8(at + 4) & 0xc0) !== 0xc0;

/** Two letters. */
const ok = 0x4f4b;
