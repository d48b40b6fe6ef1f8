import { setTimeout as sleep } from 'node:timers/promises';

/** What is stored, and when the last of it was seen to be. */
export interface Settled {
  readonly count: number;
  readonly atMs: number;
}

const lookEveryMs = 250;

/** Waits until so many are stored, or nothing more has come for so long. */
export async function settled(
  count: () => Promise<number>,
  wanted: number,
  quietSecondsMax: number,
): Promise<Settled> {
  let last: Settled = { count: -1, atMs: 0 };
  for (;;) {
    const stored = await count();
    const nowMs = performance.now();
    if (stored > last.count) last = { count: stored, atMs: nowMs };
    const quietSeconds = (nowMs - last.atMs) / 1000;
    if (stored >= wanted || quietSeconds > quietSecondsMax) return last;
    await sleep(lookEveryMs);
  }
}
