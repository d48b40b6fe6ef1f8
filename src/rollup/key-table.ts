const hashPrime = 16_777_619;
const hashBasis = 0x811c_9dc5 | 0;

/**
 * Numbers by keys of a few fields. A key is put together in `#key` and looked for without an object
 * being made, four bytes at a time.
 */
export class KeyTable {
  /** What is being looked for, its length, and its hash. */
  #key = new Int32Array(128);
  #length = 0;
  #hash = hashBasis;
  /** An entry's number and 1; 0 for none. */
  #slots = new Int32Array(1024);
  #hashes = new Int32Array(512);
  #values = new Int32Array(512);
  /** Where the entries' keys end, and the next one's begins. */
  #ends = new Int32Array(512);
  #keys = new Int32Array(4096);
  size = 0;

  /** Begins another key. */
  restart(): void {
    this.#length = 0;
    this.#hash = hashBasis;
  }

  /** Adds a field to the key: bytes that begin with their length, which takes four. */
  add(bytes: DataView, start: number, end: number): void {
    const words = (end - start + 3) >> 2;
    let to = this.#length;
    if (to + words > this.#key.length) this.#key = grown(this.#key, to + words);
    const key = this.#key;
    let hash = this.#hash;
    for (let at = start; at + 4 < end; at += 4) {
      const word = bytes.getInt32(at);
      key[to++] = word;
      hash = mixed(hash, word);
    }
    // The last four: some of them may be in the word before as well.
    const word = bytes.getInt32(end - 4);
    key[to++] = word;
    this.#hash = mixed(hash, word);
    this.#length = to;
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
    const end = start + this.#length;
    if (end > this.#keys.length) this.#keys = grown(this.#keys, end);
    this.#keys.set(this.#key.subarray(0, this.#length), start);
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
    const length = this.#length;
    if ((this.#ends[entry] as number) - start !== length) return false;
    const [key, keys] = [this.#key, this.#keys];
    for (let at = 0; at < length; at++) if (keys[start + at] !== key[at]) return false;
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
    const needed = this.#values.length + 1;
    this.#hashes = grown(this.#hashes, needed);
    this.#values = grown(this.#values, needed);
    this.#ends = grown(this.#ends, needed);
  }
}

type Words = Int32Array<ArrayBuffer>;

/** The low bits of the hash alone are alike for alike keys. */
const spread = (hash: number): number => hash ^ (hash >>> 15);
const mixed = (hash: number, word: number): number => Math.imul(spread(hash ^ word), hashPrime);

function grown(array: Words, needed: number): Words {
  const longer = new Int32Array(Math.max(needed, 2 * array.length));
  longer.set(array);
  return longer;
}
