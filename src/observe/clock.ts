import { minuteMs } from '../units.ts';
import type { Health } from './health.ts';

/** Less is no reason to doubt a clock. */
const toleranceMs = minuteMs;

/**
 * This machine's clock beside the database's: two that disagree are both in doubt. And beside the
 * ids of what was stored before: time does not go back.
 */
export class Clock {
  readonly #health: Health;
  #offsetMs = 0;
  #atLeastMs = -Infinity;

  constructor(health: Health) {
    this.#health = health;
  }

  /** What is to be added to our time to have the database's; 0 as long as they agree. */
  get offsetMs(): number {
    return Math.abs(this.#offsetMs) > toleranceMs ? this.#offsetMs : 0;
  }

  /** How far it is at the least behind what is in the database already; 0 as far as is known. */
  get behindMs(): number {
    const behindMs = this.#atLeastMs - Date.now();
    return behindMs > toleranceMs ? behindMs : 0;
  }

  /** What was stored before says that it is as late as that. */
  believe(atLeastMs: number): void {
    this.#atLeastMs = atLeastMs;
    this.#report();
  }

  /** The database has told its time, asked and answered at these times of ours. */
  compare(askedMs: number, databaseMs: number, answeredMs: number): void {
    // As small as it can be: nobody knows how much of the time between was the way there.
    this.#offsetMs = Math.max(0, databaseMs - answeredMs) + Math.min(0, databaseMs - askedMs);
    this.#report();
  }

  #report(): void {
    this.#health.report('clock', this.#fromDatabase() ?? this.#fromIds(), false);
  }

  #fromIds(): string | undefined {
    if (this.behindMs === 0) return undefined;
    const seconds = Math.round(this.behindMs / 1000);
    return `this machine's clock is ${seconds} s behind what is stored already: it is wrong, or has been`;
  }

  #fromDatabase(): string | undefined {
    if (this.offsetMs === 0) return undefined;
    const seconds = Math.round(Math.abs(this.offsetMs) / 1000);
    const direction = this.offsetMs > 0 ? 'behind' : 'ahead of';
    return `this machine's clock is ${seconds} s ${direction} the database's: one of them is wrong`;
  }
}
