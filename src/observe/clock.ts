import { minuteMs } from '../units.ts';
import type { Health } from './health.ts';

/** Less is no reason to doubt a clock. */
const toleranceMs = minuteMs;

/** This machine's clock beside the database's: two that disagree are both in doubt. */
export class Clock {
  readonly #health: Health;
  #offsetMs = 0;

  constructor(health: Health) {
    this.#health = health;
  }

  /** What is to be added to our time to have the database's; 0 as long as they agree. */
  get offsetMs(): number {
    return Math.abs(this.#offsetMs) > toleranceMs ? this.#offsetMs : 0;
  }

  /** The database has told its time, asked and answered at these times of ours. */
  compare(askedMs: number, databaseMs: number, answeredMs: number): void {
    // As small as it can be: nobody knows how much of the time between was the way there.
    this.#offsetMs = Math.max(0, databaseMs - answeredMs) + Math.min(0, databaseMs - askedMs);
    this.#health.report('clock', this.#difference(), false);
  }

  #difference(): string | undefined {
    if (this.offsetMs === 0) return undefined;
    const seconds = Math.round(Math.abs(this.offsetMs) / 1000);
    const direction = this.offsetMs > 0 ? 'behind' : 'ahead of';
    return `this machine's clock is ${seconds} s ${direction} the database's: one of them is wrong`;
  }
}
