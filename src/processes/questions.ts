/** One that is stopped in its tracks must not hold up the others. */
const patienceMs = 1000;

/** Questions that are not answered yet. */
export class Questions {
  readonly #open = new Map<number, (value: unknown) => void>();
  #nextId = 0;

  /** Resolves with the answer; undefined where there is none in time. */
  async put(send: (id: number) => void): Promise<unknown> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#open.set(id, resolve);
    const late = setTimeout(resolve, patienceMs);
    send(id);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#open.delete(id);
    }
  }

  answered(id: number, value: unknown): void {
    this.#open.get(id)?.(value);
  }
}
