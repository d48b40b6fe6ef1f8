const hashPrime = 16_777_619;
const hashBasis = 0x811c_9dc5 | 0;
/** Beside the texts of a key: some room for their lengths. */
const keyBytesMin = 512;

/**
 * Numbers by keys of a few bytes. A key is put together in `key` and looked for without an object
 * being made, four bytes at a time as far as that goes.
 */
export class KeyTable {
  /** What is being looked for. */
  key = viewOf(keyBytesMin);
  /** Its length. */
  length = 0;
  #hash = hashBasis;
  /** An entry's number and 1; 0 for none. */
  #slots = new Int32Array(1024);
  #hashes = new Int32Array(512);
  #values = new Int32Array(512);
  /** Where the entries' keys end, and the next one's begins. */
  #ends = new Int32Array(512);
  #keys = viewOf(16 * 1024);
  size = 0;

  /** Begins another key. */
  restart(): void {
    this.length = 0;
    this.#hash = hashBasis;
  }

  /** Adds bytes to the key. */
  add(bytes: DataView, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.key.byteLength) this.key = grown(this.key, needed);
    const { key } = this;
    let to = this.length;
    let hash = this.#hash;
    let at = start;
    for (; at + 4 <= end; at += 4, to += 4) {
      const word = bytes.getInt32(at);
      key.setInt32(to, word);
      hash = Math.imul(spread(hash ^ word), hashPrime);
    }
    for (; at < end; at++, to++) {
      const byte = bytes.getUint8(at);
      key.setUint8(to, byte);
      hash = Math.imul(hash ^ byte, hashPrime);
    }
    this.length = to;
    this.#hash = hash;
  }

  /** The number of the key; 0 where it has none. */
  find(): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.#hash;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return 0;
      if (this.#hashes[entry] === hash && this.#isKey(entry)) return this.#values[entry] as number;
    }
  }

  /** Gives the key, which has none yet, a number above 0. */
  set(value: number): void {
    if (2 * this.size >= this.#slots.length) this.#growSlots();
    const entry = this.size++;
    if (entry === this.#values.length) this.#growEntries();
    const start = this.#start(entry);
    const end = start + this.length;
    if (end > this.#keys.byteLength) this.#keys = grown(this.#keys, end);
    for (let at = 0; at < this.length; at++) {
      this.#keys.setUint8(start + at, this.key.getUint8(at));
    }
    this.#ends[entry] = end;
    this.#hashes[entry] = this.#hash;
    this.#values[entry] = value;
    this.#place(entry);
  }

  #start(entry: number): number {
    return entry === 0 ? 0 : (this.#ends[entry - 1] as number);
  }

  #isKey(entry: number): boolean {
    const start = this.#start(entry);
    const { key, length } = this;
    if ((this.#ends[entry] as number) - start !== length) return false;
    const keys = this.#keys;
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      if (keys.getInt32(start + at) !== key.getInt32(at)) return false;
    }
    for (; at < length; at++) if (keys.getUint8(start + at) !== key.getUint8(at)) return false;
    return true;
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = spread(this.#hashes[entry] as number) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #growSlots(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let entry = 0; entry < this.size; entry++) this.#place(entry);
  }

  #growEntries(): void {
    const more = (array: Int32Array) => {
      const longer = new Int32Array(2 * array.length);
      longer.set(array);
      return longer;
    };
    this.#hashes = more(this.#hashes);
    this.#values = more(this.#values);
    this.#ends = more(this.#ends);
  }
}

/** The low bits of the hash alone are alike for alike keys. */
const spread = (hash: number): number => hash ^ (hash >>> 15);

const viewOf = (length: number) => new DataView(new ArrayBuffer(length));

function grown({ buffer }: DataView<ArrayBuffer>, needed: number): DataView<ArrayBuffer> {
  return new DataView(buffer.transfer(Math.max(needed, 2 * buffer.byteLength)));
}
