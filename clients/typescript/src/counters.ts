/** Why records were dropped, in the words of the specification's clause 6.1. */
export const dropReasons = [
  'queue_full',
  'invalid',
  'rejected',
  'conflict',
  'refused',
  'unreachable',
  'spool_full',
  'spool_expired',
  'spool_damaged',
  'spool_failed',
  'withheld',
] as const;

export type DropReason = (typeof dropReasons)[number];

/** What became of the records so far. */
export interface Counters {
  /** Put into the queue by `log` and `logUsage`. */
  readonly taken: number;
  /** Acknowledged by the service, out of the spool too, whoever spooled them. */
  readonly delivered: number;
  /** Written to the spool. */
  readonly spooled: number;
  /** Written to stdout or to the logger, in place of a spool. */
  readonly handedOver: number;
  /** Lost, by reason. Of damaged lines of a spool each counts as one. */
  readonly dropped: Readonly<Record<DropReason, number>>;
}

/** What became of records while `flush` or `close` waited. */
export interface FlushResult {
  /** Whether all that was logged before has its place: none is under way, or was lost. */
  readonly complete: boolean;
  /** Acknowledged by the service. */
  readonly delivered: number;
  /** Written to the spool. */
  readonly spooled: number;
  /** Written to stdout or to the logger, in place of a spool. */
  readonly handedOver: number;
  readonly dropped: number;
}

/** The counters of one client, and what of its losses the service doesn't know yet. */
export class Tally {
  taken = 0;
  delivered = 0;
  spooled = 0;
  handedOver = 0;
  readonly #dropped = new Map<DropReason, number>();
  readonly #unreported = new Map<DropReason, number>();

  /** Records that neither the service nor a fallback has got. */
  get lost(): number {
    return (this.#dropped.get('unreachable') ?? 0) + (this.#dropped.get('spool_failed') ?? 0);
  }

  drop(reason: DropReason, records: number): void {
    if (records === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + records);
    this.#unreported.set(reason, (this.#unreported.get(reason) ?? 0) + records);
  }

  /** Gives a function that says what happened since. */
  watch(): (isSettled: boolean) => FlushResult {
    const { delivered, spooled, handedOver, lost } = this;
    const dropped = this.#allDropped();
    return (isSettled) => ({
      complete: isSettled && this.lost === lost,
      delivered: this.delivered - delivered,
      spooled: this.spooled - spooled,
      handedOver: this.handedOver - handedOver,
      dropped: this.#allDropped() - dropped,
    });
  }

  #allDropped(): number {
    return [...this.#dropped.values()].reduce((sum, records) => sum + records, 0);
  }

  /** What was dropped since the last call, by reason; nothing is left to report then. */
  takeReport(): Record<string, number> | undefined {
    if (this.#unreported.size === 0) return undefined;
    const report = Object.fromEntries(this.#unreported);
    this.#unreported.clear();
    return report;
  }

  counters(): Counters {
    const dropped = dropReasons.map((reason) => [reason, this.#dropped.get(reason) ?? 0]);
    const { taken, delivered, spooled, handedOver } = this;
    return { taken, delivered, spooled, handedOver, dropped: Object.fromEntries(dropped) };
  }
}
