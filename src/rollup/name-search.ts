const pairs = 1024;
/** Two bytes that follow each other. */
const pairOf = (first: number, second: number): number => ((first << 5) ^ second) & (pairs - 1);

/**
 * Finds names in bytes, most of which it need not look at: it moves a window as long as the shortest
 * name by what its last two bytes allow (Wu and Manber, "A fast algorithm for multi-pattern
 * searching", 1994).
 */
export class NameSearch {
  /** Which name was found last. */
  name = 0;
  /** Its length. */
  length = 0;
  readonly #names: readonly Uint8Array[];
  /** The last byte of the window. */
  readonly #last: number;
  /** How far the window may move; 0 where the names may be the same up to there. */
  readonly #steps: Uint8Array;

  /** `names`: of two bytes at least. */
  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name));
    const last = Math.min(...this.#names.map(({ length }) => length)) - 1;
    this.#last = last;
    this.#steps = new Uint8Array(pairs).fill(last);
    for (const name of this.#names) {
      for (let at = 1; at <= last; at++) {
        const pair = pairOf(name[at - 1] as number, name[at] as number);
        this.#steps[pair] = Math.min(this.#steps[pair] as number, last - at);
      }
    }
  }

  /** Where the next one begins; -1 for nowhere. */
  next(bytes: Uint8Array, start: number, end: number): number {
    const [steps, last] = [this.#steps, this.#last];
    for (let at = start + last; at < end; ) {
      const step = steps[pairOf(bytes[at - 1] as number, bytes[at] as number)] as number;
      if (step === 0 && this.#isAt(bytes, at - last)) return at - last;
      at += step || 1;
    }
    return -1;
  }

  #isAt(bytes: Uint8Array, start: number): boolean {
    const names = this.#names;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as Uint8Array;
      let at = 0;
      while (at < name.length && bytes[start + at] === name[at]) at++;
      if (at < name.length) continue;
      this.name = index;
      this.length = at;
      return true;
    }
    return false;
  }
}
