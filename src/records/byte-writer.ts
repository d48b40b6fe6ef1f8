import { putInt32, putInt64 } from './wire/wire-fields.ts';

/** Microseconds between 1970 and 2000, where PostgreSQL counts from. */
export const postgresEpochUs = 946_684_800_000_000;

const bytesMin = 1024;
const bytesKeptMax = 4 * 1024 * 1024;
/** A longer text is copied faster by Node, for all that calling it costs. */
const shortTextMax = 40;

/** A growing buffer, and the fields of PostgreSQL's binary COPY format: a length, then the value. */
export class ByteWriter {
  /** What `reserve` has made room in. */
  buffer: Buffer<ArrayBuffer>;
  /** Bytes written. */
  length = 0;

  /** `room`: for so many bytes to begin with. */
  constructor(room = bytesMin) {
    this.buffer = Buffer.allocUnsafeSlow(room);
  }

  /** Forgets what was written, and keeps the memory unless it is uncommonly much. */
  restart(): void {
    this.length = 0;
    if (this.buffer.length > bytesKeptMax) this.buffer = Buffer.allocUnsafeSlow(bytesMin);
  }

  /** What has been written; shares memory with the writer. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** What has been written, in memory of its own. */
  copy(): Uint8Array {
    const copy = Buffer.allocUnsafe(this.length);
    this.buffer.copy(copy, 0, 0, this.length);
    return copy;
  }

  uint8(value: number): void {
    const at = this.reserve(1);
    this.buffer[at] = value;
    this.length = at + 1;
  }

  int16(value: number): void {
    const at = this.reserve(2);
    this.buffer[at] = value >>> 8;
    this.buffer[at + 1] = value;
    this.length = at + 2;
  }

  int32(value: number): void {
    const at = this.reserve(4);
    putInt32(this.buffer, at, value);
    this.length = at + 4;
  }

  float64(value: number): void {
    this.reserve(8);
    this.length = this.buffer.writeDoubleBE(value, this.length);
  }

  /** A whole number up to 2^53 in eight bytes, without the cost of a bigint. */
  int64(value: number): void {
    const at = this.reserve(8);
    putInt64(this.buffer, at, value);
    this.length = at + 8;
  }

  raw(value: Uint8Array): void {
    this.reserve(value.byteLength);
    this.buffer.set(value, this.length);
    this.length += value.byteLength;
  }

  /** UTF-8 with its length in bytes before it. */
  text(value: string): void {
    const at = this.reserve(4 + 3 * value.length);
    const start = at + 4;
    const { buffer } = this;
    const isShort = value.length <= shortTextMax && putAscii(buffer, start, value);
    const bytes = isShort ? value.length : buffer.write(value, start, 'utf8');
    putInt32(buffer, at, bytes);
    this.length = start + bytes;
  }

  fieldNull(): void {
    this.int32(-1);
  }

  fieldUuid(value: Uint8Array): void {
    this.int32(16);
    this.raw(value);
  }

  /** An empty text means none. */
  fieldText(value: string): void {
    if (value === '') this.fieldNull();
    else this.text(value);
  }

  fieldFloat64(value: number | undefined): void {
    if (value === undefined) {
      this.fieldNull();
    } else {
      this.int32(8);
      this.float64(value);
    }
  }

  /** NULL where it is not so, as in rows that know nothing of it. */
  fieldTrue(isSo: boolean): void {
    if (!isSo) {
      this.fieldNull();
      return;
    }
    this.int32(1);
    this.uint8(1);
  }

  fieldInt64(value: number): void {
    this.int32(8);
    this.int64(value);
  }

  /** timestamptz, from microseconds since 1970. */
  fieldTimestamp(us: number): void {
    this.int32(8);
    this.int64(us - postgresEpochUs);
  }

  /** Makes room for so many bytes, and returns where they begin. */
  reserve(count: number): number {
    const needed = this.length + count;
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.buffer.length));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    return this.length;
  }
}

/** Returns false, with whatever written, for a text that has other characters too. */
function putAscii(target: Uint8Array, to: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) return false;
    target[to + index] = code;
  }
  return true;
}
