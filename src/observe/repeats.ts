import { minuteMs } from '../units.ts';

/** So often a message is worth a line in a minute; what comes beyond is counted. */
const linesMax = 10;
/** More different ones than these are not told apart. */
const keysMax = 1000;

/** What is logged again and again, which is summed up at the end of each minute. */
export class Repeats {
  readonly #counts = new Map<string, number>();
  readonly #onSummary: (message: string, times: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onSummary: (message: string, times: number) => void) {
    this.#onSummary = onSummary;
  }

  /** Whether a message is to be logged, or was so often that it will be summed up. */
  admits(message: string): boolean {
    const known = this.#counts.has(message) || this.#counts.size < keysMax;
    const key = known ? message : 'other messages';
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    this.#timer ??= setTimeout(() => this.#sumUp(), minuteMs).unref();
    return count <= linesMax;
  }

  #sumUp(): void {
    this.#timer = undefined;
    const repeated = [...this.#counts].filter(([, count]) => count > linesMax);
    this.#counts.clear();
    for (const [message, count] of repeated) this.#onSummary(message, count - linesMax);
  }
}
