import type { EventFields } from './records.ts';
import { shallowCopy } from './shapes.ts';

/** What `timer` takes: the fields of an event, without the value that it measures. */
export type TimerFields = Omit<EventFields, 'value' | 'timestamp'>;

/** Measures from its making until it is stopped or disposed of, and logs that in milliseconds. */
export class Timer implements Disposable {
  /** May be added to while the time runs. */
  readonly metadata: Record<string, unknown>;
  readonly #fields: TimerFields;
  readonly #log: (measurement: EventFields) => void;
  readonly #startMs = performance.now();
  #isStopped = false;

  /** @internal */
  constructor(fields: TimerFields, log: (measurement: EventFields) => void) {
    const own = shallowCopy(fields);
    this.#fields = typeof own === 'object' && own !== null ? own : {};
    this.metadata = { ...(shallowCopy(this.#fields.metadata) as object) };
    this.#log = log;
  }

  /** Logs the time since the start, once; gives it in milliseconds. */
  stop(status = this.#fields.status ?? 'OK'): number {
    const value = performance.now() - this.#startMs;
    if (this.#isStopped) return value;
    this.#isStopped = true;
    const hasMetadata = Object.keys(this.metadata).length > 0;
    const metadata = hasMetadata ? this.metadata : undefined;
    this.#log({ ...this.#fields, metadata, value, status });
    return value;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Stops the timer when the function has returned, or what it promised is settled. */
export function measure<T>(timer: Timer, measured: () => T): T {
  const fail = (error: unknown): never => {
    timer.metadata.error = error instanceof Error ? error.name : typeof error;
    timer.stop('ERROR');
    throw error;
  };
  const succeed = <Result>(result: Result): Result => {
    timer.stop();
    return result;
  };
  let result: T;
  try {
    result = measured();
  } catch (error) {
    return fail(error);
  }
  return result instanceof Promise ? (result.then(succeed, fail) as T) : succeed(result);
}
