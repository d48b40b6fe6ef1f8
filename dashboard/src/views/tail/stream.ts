import { signal } from '@preact/signals';
import type { TailResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';
import type { Event } from '../../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { msOf } from '../../api/ask.ts';
import { query, Unanswered } from '../../api/client.ts';
import type { filterOf } from '../../state/filters.ts';
import { isKeyAsked } from '../../state/session.ts';

/** A line of the list: an event, or how many there was no time for. */
export type Line =
  | {
      readonly kind: 'event';
      readonly id: string;
      readonly event: Event;
      readonly received: number | undefined;
    }
  | { readonly kind: 'skipped'; readonly id: string; readonly count: number };

export type Reading =
  | { readonly state: 'connecting' | 'reading' }
  | { readonly state: 'broken'; readonly unanswered: Unanswered };

const linesMax = 2000;
const recent = 100;
const retriesMs = [500, 1000, 2000, 5000];
const rateWindowMs = 10_000;

/** Not one of those that were there when the stream began. */
const isNew = (observedAt: Parameters<typeof msOf>[0]): boolean =>
  (msOf(observedAt) ?? 0) > Date.now() - rateWindowMs;

/** How many events lines stand for. */
const countOf = (lines: readonly Line[]): number =>
  lines.reduce((sum, line) => sum + (line.kind === 'event' ? 1 : line.count), 0);

/** Reads events as they are committed, and begins anew where the stream breaks. */
export class TailStream {
  /** Shown, oldest first. */
  readonly lines = signal<readonly Line[]>([]);
  /** Came while nobody followed. */
  readonly held = signal(0);
  readonly reading = signal<Reading>({ state: 'connecting' });
  readonly perSecond = signal(0);
  /** Whether new lines are shown as they come. */
  isFollowing = true;
  readonly #filter: ReturnType<typeof filterOf>;
  readonly #abort = new AbortController();
  readonly #waiting: Line[] = [];
  readonly #arrivals: number[] = [];
  readonly #seen = new Set<string>();
  #skips = 0;
  #painting = 0;

  constructor(filter: ReturnType<typeof filterOf>) {
    this.#filter = filter;
    this.#run();
  }

  stop(): void {
    this.#abort.abort();
    cancelAnimationFrame(this.#painting);
  }

  /** Shows what was held back, and goes on doing so. */
  follow(): void {
    this.isFollowing = true;
    this.#paint();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const request = { kinds: ['event'], filter: this.#filter, recent };
        for await (const message of query.tail(request, { signal })) {
          failures = 0;
          if (this.reading.peek().state !== 'reading') this.reading.value = { state: 'reading' };
          this.#take(message);
        }
      } catch (cause) {
        if (signal.aborted) return;
        const unanswered = new Unanswered(cause);
        if (unanswered.refusal === 'unauthenticated') isKeyAsked.value = true;
        this.reading.value = { state: 'broken', unanswered };
        if (['forbidden', 'missing', 'unauthenticated'].includes(unanswered.refusal)) return;
      }
      const delayMs = retriesMs[Math.min(failures, retriesMs.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }

  #take({ records, skipped }: TailResponse): void {
    if (skipped > 0n) this.#waiting.push(this.#skippedLine(Number(skipped)));
    for (const { record, observedAt } of records) {
      if (record.case !== 'event') continue;
      const event = record.value;
      // After a break the newest ones come again.
      if (this.#seen.has(event.id)) continue;
      this.#seen.add(event.id);
      this.#waiting.push({ kind: 'event', id: event.id, event, received: msOf(observedAt) });
    }
    this.#measure(records.filter(({ observedAt }) => isNew(observedAt)).length);
    // What nobody looks at is not kept for ever; that it was left out is told in its place.
    if (this.#waiting.length > 2 * linesMax) {
      const left = this.#waiting.splice(0, linesMax);
      for (const { id } of left) this.#seen.delete(id);
      this.#waiting.unshift(this.#skippedLine(countOf(left)));
    }
    if (document.hidden) this.#paint();
    else this.#painting ||= requestAnimationFrame(() => this.#paint());
  }

  #skippedLine(count: number): Line {
    this.#skips += 1;
    return { kind: 'skipped', id: `skipped ${this.#skips}`, count };
  }

  #paint(): void {
    this.#painting = 0;
    if (!this.isFollowing) {
      this.held.value = countOf(this.#waiting);
      return;
    }
    const lines = [...this.lines.peek(), ...this.#waiting.splice(0)];
    for (const { id } of lines.slice(0, -linesMax)) this.#seen.delete(id);
    this.lines.value = lines.slice(-linesMax);
    this.held.value = 0;
  }

  #measure(count: number): void {
    const now = Date.now();
    for (let each = 0; each < count; each += 1) this.#arrivals.push(now);
    const from = this.#arrivals.findIndex((at) => at > now - rateWindowMs);
    this.#arrivals.splice(0, from < 0 ? this.#arrivals.length : from);
    this.perSecond.value = (1000 * this.#arrivals.length) / rateWindowMs;
  }
}
