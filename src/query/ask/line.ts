interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
}

export interface LineOptions {
  /** Worked on at the same time. */
  readonly places: number;
  /** Whether what is to be stored waits for its writers. */
  readonly isPressed: () => boolean;
}

/** How long a question gives way: one that takes seconds does not hold up all others. */
const patienceMs = 2000;

/**
 * Where questions wait for room. While records wait to be stored, one is worked on after another:
 * together they would not be answered sooner, and take more of what the writers need. Whoever leaves
 * takes his place with him: those who ask and leave again and again would fill the memory with what
 * nobody waits for.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #waiting = new Set<Waiting>();
  #working = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Does it in its turn; rejected with the reason of the signal where that comes first. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#waiting.size === 0 && this.#hasRoom(performance.now())) this.#working += 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#working -= 1;
      this.#goOn();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#waiting.delete(waiting);
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      };
      const leave = () => {
        over();
        reject(signal.reason);
      };
      const begin = () => {
        over();
        this.#working += 1;
        resolve();
      };
      const waiting = { sinceMs: performance.now(), begin };
      const timer = setTimeout(() => this.#goOn(), patienceMs);
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiting);
    });
  }

  #goOn(): void {
    for (const { sinceMs, begin } of this.#waiting) {
      if (!this.#hasRoom(sinceMs)) return;
      begin();
    }
  }

  #hasRoom(sinceMs: number): boolean {
    if (this.#working === 0) return true;
    if (this.#working >= this.#options.places) return false;
    return !this.#options.isPressed() || performance.now() - sinceMs >= patienceMs;
  }
}
