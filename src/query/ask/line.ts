/**
 * Where questions wait for room. Whoever leaves takes his place with him: those who ask and leave
 * again and again would fill the memory with what nobody waits for.
 */
export class Line {
  readonly #waiting = new Set<() => void>();
  #free: number;

  /** `free`: that may be worked on at the same time. */
  constructor(free: number) {
    this.#free = free;
  }

  /** Does it in its turn; rejected with the reason of the signal where that comes first. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free += 1;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(begin);
        reject(signal.reason);
      };
      const begin = () => {
        this.#waiting.delete(begin);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      this.#waiting.add(begin);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
