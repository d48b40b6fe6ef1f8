import { nowUs } from './clock.ts';
import type { Tally } from './counters.ts';
import type { EventRecord } from './records.ts';

/** Lest a report that is lost makes another at once. */
const everyMs = 10_000;

/** Tells the service what was lost, when it can be told (clause 6.2). */
export class DropReport {
  readonly #tally: Tally;
  readonly #component: string;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(tally: Tally, component: string) {
    this.#tally = tally;
    this.#component = component;
  }

  /** An event of what was dropped since the last one. */
  record(): EventRecord | undefined {
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs < everyMs) return undefined;
    const dropped = this.#tally.takeReport();
    if (!dropped) return undefined;
    this.#reportedMs = nowMs;
    return {
      kind: 'event',
      timeUs: nowUs(),
      eventType: 'TELEMETRY_DROPPED',
      component: this.#component,
      value: Object.values(dropped).reduce((sum, records) => sum + records, 0),
      metadata: dropped,
      status: 'WARNING',
    };
  }
}
