/** Counts from 0 on for pairs of 32-bit numbers, in the order in which the pairs come. */
export class PairTable {
  firsts = new Int32Array(256);
  seconds = new Int32Array(256);
  size = 0;
  /** A pair's place and 1; 0 for none. */
  #slots = new Int32Array(1024);

  /** The place of a pair, which it gets if it has none. */
  place(first: number, second: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(first, second) & mask;
    for (;;) {
      const place = (slots[slot] as number) - 1;
      if (place < 0) break;
      if (this.firsts[place] === first && this.seconds[place] === second) return place;
      slot = (slot + 1) & mask;
    }
    const place = this.size++;
    if (place === this.firsts.length) this.#growPairs();
    this.firsts[place] = first;
    this.seconds[place] = second;
    slots[slot] = place + 1;
    if (3 * this.size > slots.length) this.#growSlots();
    return place;
  }

  #growPairs(): void {
    this.firsts = longer(this.firsts);
    this.seconds = longer(this.seconds);
  }

  #growSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let place = 0; place < this.size; place++) {
      let slot = hashOf(this.firsts[place] as number, this.seconds[place] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = place + 1;
    }
    this.#slots = slots;
  }
}

function hashOf(first: number, second: number): number {
  const mixed = Math.imul(Math.imul(first, 0x9e37_79b1) ^ second, 0x85eb_ca6b);
  return mixed ^ (mixed >>> 15);
}

/** The same numbers in an array twice as long. */
export function longer<A extends Int32Array | Float64Array>(array: A): A {
  const more = new (array.constructor as new (length: number) => A)(2 * array.length);
  more.set(array);
  return more;
}
