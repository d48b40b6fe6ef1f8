const bytesMin = 4096;
const bytesKeptMax = 4 * 1024 * 1024;

/** A growing buffer, in which room is made once for what is written next. */
export class PackedWriter {
  #view = new DataView(new ArrayBuffer(bytesMin));
  #length = 0;

  /** Forgets what was written, and keeps the memory unless it is uncommonly much. */
  restart(): void {
    this.#length = 0;
    if (this.#view.byteLength > bytesKeptMax) this.#view = new DataView(new ArrayBuffer(bytesMin));
  }

  /** What has been written; shares memory with the writer. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }

  /** What is written before the next time takes no more bytes than these. */
  makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    const { buffer } = this.#view;
    if (needed <= buffer.byteLength) return;
    this.#view = new DataView(buffer.transfer(Math.max(needed, 2 * buffer.byteLength)));
  }

  int32(value: number): void {
    this.#view.setInt32(this.#length, value);
    this.#length += 4;
  }

  /** A whole number up to 2^53 in eight bytes, without the cost of a bigint. */
  int64(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.int32(high);
    this.int32(value - high * 0x1_0000_0000);
  }

  /** Copies eight bytes. */
  copyWords(bytes: DataView, from: number): void {
    this.int32(bytes.getInt32(from));
    this.int32(bytes.getInt32(from + 4));
  }

  copyBytes(bytes: DataView, from: number, to: number): void {
    const view = this.#view;
    let length = this.#length;
    for (let at = from; at < to; at++) view.setUint8(length++, bytes.getUint8(at));
    this.#length = length;
  }
}
