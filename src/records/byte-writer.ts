/** Microseconds between 1970 and 2000, where PostgreSQL counts from. */
export const postgresEpochUs = 946_684_800_000_000;

const bytesMin = 1024;
const bytesKeptMax = 4 * 1024 * 1024;

/** A growing buffer, and the fields of PostgreSQL's binary COPY format: a length, then the value. */
export class ByteWriter {
  /** What `reserve` has made room in. */
  buffer = Buffer.allocUnsafeSlow(bytesMin);
  /** Bytes written. */
  length = 0;

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
    return Buffer.from(this.bytes());
  }

  uint8(value: number): void {
    this.reserve(1);
    this.length = this.buffer.writeUInt8(value, this.length);
  }

  int16(value: number): void {
    this.reserve(2);
    this.length = this.buffer.writeInt16BE(value, this.length);
  }

  int32(value: number): void {
    this.reserve(4);
    this.length = this.buffer.writeInt32BE(value, this.length);
  }

  float64(value: number): void {
    this.reserve(8);
    this.length = this.buffer.writeDoubleBE(value, this.length);
  }

  /** A whole number up to 2^53 in eight bytes, without the cost of a bigint. */
  int64(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.int32(high);
    this.reserve(4);
    this.length = this.buffer.writeUInt32BE(value - high * 0x1_0000_0000, this.length);
  }

  raw(value: Uint8Array): void {
    this.reserve(value.byteLength);
    this.buffer.set(value, this.length);
    this.length += value.byteLength;
  }

  /** UTF-8 with its length in bytes before it, which the prefix is part of. */
  text(value: string, prefix = ''): void {
    this.reserve(4 + 3 * (value.length + prefix.length));
    const start = this.length + 4;
    let end = start;
    if (prefix !== '') end += this.buffer.write(prefix, end, 'latin1');
    end += this.buffer.write(value, end, 'utf8');
    this.buffer.writeInt32BE(end - start, this.length);
    this.length = end;
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

  fieldInt64(value: number): void {
    this.int32(8);
    this.int64(value);
  }

  /** timestamptz, from microseconds since 1970. */
  fieldTimestamp(us: number): void {
    this.int32(8);
    this.int64(us - postgresEpochUs);
  }

  /** jsonb is a version byte and the text. */
  fieldJsonb(json: string | undefined): void {
    if (json === undefined) this.fieldNull();
    else this.text(json, '\x01');
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
