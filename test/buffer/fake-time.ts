import { vi } from 'vitest';

/** In place of node:timers/promises, which fake timers do not reach: sleeps on the test's clock. */
export const timersPromises = {
  setTimeout: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Stops the clock and all timers. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
}

export function resumeTime(): void {
  vi.useRealTimers();
}

/** Lets time pass, and what it brings about happen. */
export async function pass(ms: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

/** Lets everything happen that needs no further event. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
