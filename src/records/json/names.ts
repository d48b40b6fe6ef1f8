/** What names stand for, found by their bytes without making a string of them. */
export class Names {
  readonly #entries: (readonly { readonly name: Buffer; readonly slot: number }[])[];
  readonly #slots: ReadonlyMap<string, number>;

  constructor(slots: ReadonlyMap<string, number>) {
    this.#slots = slots;
    this.#entries = Array.from({ length: 256 }, () => []);
    for (const [text, slot] of slots) {
      const name = Buffer.from(text);
      const index = hash(name, 0, name.length);
      this.#entries[index] = [...(this.#entries[index] ?? []), { name, slot }];
    }
  }

  /** -1 for an unknown one. */
  find(bytes: Uint8Array, at: number, end: number): number {
    if (at === end) return -1;
    search: for (const { name, slot } of this.#entries[hash(bytes, at, end)] ?? []) {
      if (name.length !== end - at) continue;
      for (let index = 0; index < name.length; index++) {
        if (bytes[at + index] !== name[index]) continue search;
      }
      return slot;
    }
    return -1;
  }

  get(name: string): number {
    return this.#slots.get(name) ?? -1;
  }
}

/** Of a name that is not empty. */
const hash = (bytes: Uint8Array, at: number, end: number): number =>
  ((end - at) * 37 + (bytes[at] as number) * 5 + (bytes[end - 1] as number)) & 0xff;
