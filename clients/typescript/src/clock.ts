/** How far the two clocks may drift apart before the fine one is set again. */
const driftMsMax = 2;
let offsetMs = Number.NaN;

/**
 * Microseconds since 1970. The fine clock of the process doesn't follow when the system's is set,
 * nor while the machine sleeps, so it only refines the system's.
 */
export function nowUs(): number {
  const coarseMs = Date.now();
  const fineMs = performance.now();
  let ms = fineMs + offsetMs;
  if (!(Math.abs(ms - coarseMs) < driftMsMax)) {
    offsetMs = coarseMs - fineMs;
    ms = coarseMs;
  }
  return Math.trunc(ms * 1000);
}

/** The same of what a caller gives: a Date, or milliseconds since 1970. */
export function timeUs(timestamp: Date | number | null | undefined): number {
  if (timestamp === undefined || timestamp === null) return nowUs();
  return Math.round(Number(timestamp) * 1000);
}
