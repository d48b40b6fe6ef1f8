import { uuidText } from '../uuid.ts';
import { nullLength } from './read-fields.ts';

const postgresEpochMs = Date.UTC(2000, 0, 1);

/** A row as a tuple of binary COPY. */
export function joinTuple(fields: readonly (Uint8Array | null)[]): Buffer {
  const bytes = fields.reduce((sum, field) => sum + 4 + (field?.byteLength ?? 0), 2);
  const tuple = Buffer.allocUnsafe(bytes);
  let at = tuple.writeInt16BE(fields.length);
  for (const field of fields) {
    at = tuple.writeInt32BE(field?.byteLength ?? nullLength, at);
    if (!field) continue;
    tuple.set(field, at);
    at += field.byteLength;
  }
  return tuple;
}

/** Divides tuples of binary COPY into single rows: a field count, then a length and a value each. */
export function splitTuples(copy: Uint8Array): Uint8Array[] {
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
  const rows: Uint8Array[] = [];
  for (let start = 0, end = 0; start < copy.byteLength; start = end) {
    const fields = view.getInt16(start);
    end = start + 2;
    for (let field = 0; field < fields; field++) end += 4 + Math.max(0, view.getInt32(end));
    rows.push(copy.subarray(start, end));
  }
  return rows;
}

/** A time as a field of a tuple: microseconds since 2000. */
export function postgresTimestamp(ms: number): Buffer {
  const field = Buffer.allocUnsafe(8);
  field.writeBigInt64BE(BigInt(ms - postgresEpochMs) * 1000n);
  return field;
}

/** What every row begins with: its id and two times, in microseconds since 1970. */
export function readRowStart(row: Uint8Array): {
  readonly id: string;
  readonly timestampUs: number;
  readonly observedAtUs: number;
} {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  const timeAt = (offset: number) => Number(bytes.readBigInt64BE(offset)) + postgresEpochMs * 1000;
  return { id: uuidText(bytes, 6), timestampUs: timeAt(26), observedAtUs: timeAt(38) };
}

/** The second of these times, in milliseconds since 1970; undefined where there is none. */
export function readObservedAtMs(row: Uint8Array): number | undefined {
  if (row.length < observedAt + 8) return undefined;
  const us = int32(row, observedAt) * 0x1_0000_0000 + (int32(row, observedAt + 4) >>> 0);
  return us / 1000 + postgresEpochMs;
}

const observedAt = 38;
const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);

/**
 * A row as people read it, by column; NULLs are left out. `exact`: money and JSON stay texts, with
 * all their digits.
 */
export function readTuple(
  row: Uint8Array,
  table: { readonly columns: readonly string[] },
  exact = false,
): Record<string, unknown> {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  const values: Record<string, unknown> = {};
  let offset = 2;
  for (const column of table.columns) {
    const length = bytes.readInt32BE(offset);
    offset += 4;
    if (length === nullLength) continue;
    // Whether it is rolled up is between us and the database.
    if (column !== 'rolled')
      values[column] = readField(column, bytes.subarray(offset, offset + length), exact);
    offset += length;
  }
  return values;
}

function readField(column: string, value: Buffer, exact: boolean): unknown {
  switch (column) {
    case 'id':
      return uuidText(value);
    case 'timestamp':
    case 'observed_at':
      return new Date(postgresEpochMs + Number(value.readBigInt64BE()) / 1000).toISOString();
    case 'value':
    case 'duration_ms':
    case 'time_to_first_token_ms':
      return value.readDoubleBE();
    case 'prompt_tokens':
    case 'completion_tokens':
    case 'cached_tokens':
    case 'reasoning_tokens':
    case 'cache_write_tokens':
    case 'cache_write_1h_tokens':
      return Number(value.readBigInt64BE());
    case 'cost_usd':
      return exact ? numericText(value) : Number(numericText(value));
    case 'ambiguous':
      return value[0] === 1;
    case 'metadata':
      return exact ? value.toString('utf8', 1) : JSON.parse(value.toString('utf8', 1));
    default:
      return value.toString();
  }
}

/** Groups of four decimal digits, the first of them worth 10000^weight. */
function numericText(value: Buffer): string {
  const count = value.readInt16BE(0);
  const weight = value.readInt16BE(2);
  let digits = '';
  for (let index = 0; index < count; index++) {
    digits += String(value.readInt16BE(8 + 2 * index)).padStart(4, '0');
  }
  return count === 0 ? '0' : `${digits}e${4 * (weight - count + 1)}`;
}
