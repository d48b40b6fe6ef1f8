import type { Ending } from '../buffer/ingest-buffer.ts';

/** Ends a wait after a time, unless it is cleared. An AbortSignal would make events of it, for each post. */
export class Deadline implements Ending {
  aborted = false;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#abort(), ms);
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #abort(): void {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}
