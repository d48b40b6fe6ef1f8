import { EventEmitter, on } from 'node:events';

/** Whether the collector can do its work, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** What is missing, for people: empty when ready. */
  readonly reasons: readonly string[];
}

/** What keeps the collector from its work at the moment, and who wants to know when that changes. */
export class Health {
  readonly #obstacles = new Map<string, string>();
  readonly #changes = new EventEmitter();

  constructor() {
    this.#changes.setMaxListeners(0);
  }

  get readiness(): Readiness {
    const reasons = [...this.#obstacles].map(([part, reason]) => `${part}: ${reason}`);
    return { ready: reasons.length === 0, reasons };
  }

  isWell(part: string): boolean {
    return !this.#obstacles.has(part);
  }

  /** Notes what is wrong with a part; undefined when it is well again. */
  report(part: string, obstacle: string | undefined): void {
    const before = this.readiness.ready;
    if (obstacle === undefined) this.#obstacles.delete(part);
    else this.#obstacles.set(part, obstacle);
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
