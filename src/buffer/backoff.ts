import { setTimeout as sleep } from 'node:timers/promises';

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

/** Ends early with the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
