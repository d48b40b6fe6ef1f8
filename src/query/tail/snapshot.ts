/** What PostgreSQL calls a snapshot: which transactions had ended at one moment. */
export class Snapshot {
  readonly text: string;
  readonly #xmax: bigint;
  readonly #xmin: bigint;
  readonly #inProgress: ReadonlySet<bigint>;

  /** As `pg_current_snapshot()` writes it. */
  constructor(text: string) {
    const [xmin = '0', xmax = '0', listed = ''] = text.split(':');
    this.text = text;
    this.#xmin = BigInt(xmin);
    this.#xmax = BigInt(xmax);
    this.#inProgress = new Set(listed === '' ? [] : listed.split(',').map(BigInt));
  }

  /** Whether a transaction had ended, of which only the lower half of its number is known. */
  sees(xid: string): boolean {
    const half = 1n << 32n;
    const behind = (this.#xmax - BigInt(xid)) % half;
    // Ahead of it by less than half of all: it had not begun.
    if (behind < 0n || behind > half / 2n || behind === 0n) return false;
    const whole = this.#xmax - behind;
    return whole < this.#xmin || !this.#inProgress.has(whole);
  }

  /** Whether another one is from a server that has forgotten something: a standby in its place. */
  isAheadOf(other: Snapshot): boolean {
    return this.#xmax > other.#xmax;
  }
}
