import type { Ending } from '../buffer/batch.ts';

/**
 * Ends a wait after a time, unless it is cleared; one wait at a time. An AbortSignal would make
 * events of it, for each post.
 */
export class Deadline implements Ending {
  aborted = false;
  readonly #timer: NodeJS.Timeout;
  #listener: (() => void) | undefined;

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#abort(), ms);
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #abort(): void {
    this.aborted = true;
    this.#listener?.();
  }
}
