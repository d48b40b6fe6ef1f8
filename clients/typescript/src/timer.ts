import type { EventFields } from './records.ts';

/** Measures from its making until it is stopped or disposed of, and logs that in milliseconds. */
export class Timer implements Disposable {
  readonly #log: (durationMs: number, status: string | undefined) => void;
  readonly #startMs = performance.now();
  #isStopped = false;

  /** @internal */
  constructor(log: (durationMs: number, status: string | undefined) => void) {
    this.#log = log;
  }

  /** Logs the time since the start, once; gives it in milliseconds. */
  stop(status?: string): number {
    const durationMs = performance.now() - this.#startMs;
    if (!this.#isStopped) this.#log(durationMs, status);
    this.#isStopped = true;
    return durationMs;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** What `timer` takes: the fields of an event, without the value that it measures. */
export type TimerFields = Omit<EventFields, 'value' | 'timestamp'>;

/** Stops the timer when the function has returned, or what it promised is settled. */
export function measure<T>(timer: Timer, measured: () => T): T {
  let result: T;
  try {
    result = measured();
  } catch (error) {
    timer.stop('ERROR');
    throw error;
  }
  if (!(result instanceof Promise)) {
    timer.stop();
    return result;
  }
  return result.then(
    (value) => {
      timer.stop();
      return value;
    },
    (error) => {
      timer.stop('ERROR');
      throw error;
    },
  ) as T;
}
