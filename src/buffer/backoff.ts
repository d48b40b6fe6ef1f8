import { pause } from '../pause.ts';

const msMin = 100;
const msMax = 5000;

/** Longer and longer pauses between tries, with jitter (5.8). */
export class Backoff {
  #ms = msMin;

  reset(): void {
    this.#ms = msMin;
  }

  /** Ends early with the signal. */
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#ms * (0.5 + Math.random());
    this.#ms = Math.min(2 * this.#ms, msMax);
    await pause(ms, signal);
  }
}
