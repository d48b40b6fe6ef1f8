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
