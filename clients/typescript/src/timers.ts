/** Timers of longer times go off at once. */
export const timerMsMax = 2 ** 31 - 1;

/** A timer that doesn't keep the process alive. */
export function afterMs(ms: number, act: () => void): { cancel(): void } {
  const timer: unknown = setTimeout(act, Math.min(ms, timerMsMax));
  (timer as { unref?: () => void }).unref?.();
  return { cancel: () => clearTimeout(timer as number) };
}

/** Resolves after the time, or at once when the signal is or becomes aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = afterMs(ms, done);
    signal.addEventListener('abort', done);
  });
}
