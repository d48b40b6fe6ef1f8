import { EventEmitter, on } from 'node:events';

/** Whether the collector can do its work, and what is in its way. */
export interface Readiness {
  readonly ready: boolean;
  /** For people. Some of it does not keep the collector from its work, but should be looked at. */
  readonly reasons: readonly string[];
}

interface Obstacle {
  readonly reason: string;
  readonly blocking: boolean;
}

/** What keeps the collector from its work at the moment, and who wants to know when that changes. */
export class Health {
  readonly #obstacles = new Map<string, Obstacle>();
  readonly #changes = new EventEmitter();

  constructor() {
    this.#changes.setMaxListeners(0);
  }

  get readiness(): Readiness {
    const obstacles = [...this.#obstacles];
    return {
      ready: obstacles.every(([, { blocking }]) => !blocking),
      reasons: obstacles.map(([part, { reason }]) => `${part}: ${reason}`),
    };
  }

  isWell(part: string): boolean {
    return !this.#obstacles.has(part);
  }

  /** Notes what is wrong with a part, and whether nothing goes without it; undefined when it is well. */
  report(part: string, reason: string | undefined, blocking = true): void {
    const before = this.readiness.ready;
    if (reason === undefined) this.#obstacles.delete(part);
    else this.#obstacles.set(part, { reason, blocking });
    if (this.readiness.ready !== before) this.#changes.emit('change');
  }

  /** The present readiness, then each one that follows, until the signal. */
  async *watch(signal: AbortSignal): AsyncGenerator<Readiness> {
    if (signal.aborted) return;
    const changes = on(this.#changes, 'change', { signal });
    yield this.readiness;
    try {
      for await (const _ of changes) yield this.readiness;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
