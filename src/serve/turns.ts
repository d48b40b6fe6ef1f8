/** How long requests may be worked on before the event loop gets to do everything else. */
const turnMsMax = 20;
const tickMs = 50;
/**
 * After a pause, what is read until so many ticks later may have come before or during it. Time says
 * less: it passes for a process that others keep from running, too, and nothing is read meanwhile.
 */
const catchUpTicks = 3;

/**
 * Shares the event loop: requests that have come are begun one after the other, and never for so
 * long that others, timers and answers would have to wait. Knows how long a request may have
 * waited that is seen only now.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  /** Timers come before what has been received: it sees how late the loop is. */
  readonly #ticks = setInterval(() => this.#tick(), tickMs).unref();
  #tickedAt = performance.now();
  #lateMs = 0;
  #ticksSince = 0;
  #turnEndsAt: number | undefined;

  /** Milliseconds that what is read now may have waited, at the most. */
  get lateMs(): number {
    const overdueMs = performance.now() - this.#tickedAt - tickMs;
    return this.#lateMs + Math.max(0, overdueMs);
  }

  /** Whether work may begin at once: nothing is before it, and there is time. */
  isNow(): boolean {
    return this.#waiting.length === 0 && this.#hasTime();
  }

  /** Begins work now or in a later turn, in the order of the calls. */
  begin(work: () => void): void {
    if (this.isNow()) work();
    else this.#waiting.push(work);
  }

  close(): void {
    clearInterval(this.#ticks);
  }

  #hasTime(): boolean {
    const now = performance.now();
    if (this.#turnEndsAt === undefined) {
      this.#turnEndsAt = now + turnMsMax;
      setImmediate(() => this.#next());
    }
    return now < this.#turnEndsAt;
  }

  #next(): void {
    this.#turnEndsAt = undefined;
    while (this.#waiting.length > 0 && this.#hasTime()) this.#waiting.shift()?.();
  }

  #tick(): void {
    const now = performance.now();
    const lateMs = Math.max(0, now - this.#tickedAt - tickMs);
    this.#tickedAt = now;
    this.#ticksSince += 1;
    if (lateMs < this.#lateMs && this.#ticksSince < catchUpTicks) return;
    this.#lateMs = lateMs;
    this.#ticksSince = 0;
  }
}
