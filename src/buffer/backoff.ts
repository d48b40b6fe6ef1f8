import { pause } from '../pause.ts';

const msMin = 100;

/** Longer and longer pauses between tries, with jitter (5.8). */
export class Backoff {
  readonly #msMax: number;
  #ms = msMin;

  constructor(msMax: number) {
    this.#msMax = msMax;
  }

  reset(): void {
    this.#ms = msMin;
  }

  /** Ends early with the signal. */
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#ms * (0.5 + Math.random());
    this.#ms = Math.min(2 * this.#ms, this.#msMax);
    await pause(ms, signal);
  }
}
