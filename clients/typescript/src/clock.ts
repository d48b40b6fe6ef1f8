/** How long the fine clock is trusted: reading both at every call would double the cost of it. */
const syncMsMax = 10;
/** How far the two may differ before the fine one is set again. */
const driftMsMax = 2;
let offsetMs = Number.NaN;
let syncedMs = Number.NEGATIVE_INFINITY;

/**
 * Microseconds since 1970. The fine clock of the process doesn't follow when the system's is set,
 * nor while the machine sleeps, so it only refines the system's.
 */
export function nowUs(): number {
  const fineMs = performance.now();
  if (fineMs - syncedMs > syncMsMax) synchronise(fineMs);
  return Math.trunc((fineMs + offsetMs) * 1000);
}

function synchronise(fineMs: number): void {
  const coarseMs = Date.now();
  syncedMs = fineMs;
  if (!(Math.abs(fineMs + offsetMs - coarseMs) < driftMsMax)) offsetMs = coarseMs - fineMs;
}

/** The same of what a caller gives: a Date, or milliseconds since 1970. */
export function timeUs(timestamp: Date | number | null | undefined): number {
  if (timestamp === undefined || timestamp === null) return nowUs();
  return Math.round(Number(timestamp) * 1000);
}
