/** When each of a number of sendings is due. */
export interface Pace {
  readonly total: number;
  /** Sendings a second; absent: as soon as there is room. */
  readonly perSecond?: number | undefined;
}

const tickMs = 1;

/**
 * Calls `send` for each sending that is due and has room, with the time it was due at: waiting
 * for room counts as latency. To be asked again by `again` whenever there is room.
 */
export class Pacer {
  readonly #pace: Pace;
  readonly #hasRoom: () => boolean;
  readonly #send: (dueMs: number) => void;
  readonly #startMs = performance.now();
  #sent = 0;

  constructor(pace: Pace, hasRoom: () => boolean, send: (dueMs: number) => void) {
    this.#pace = pace;
    this.#hasRoom = hasRoom;
    this.#send = send;
    if (pace.perSecond !== undefined) this.#tick();
  }

  get done(): boolean {
    return this.#sent >= this.#pace.total;
  }

  again(): void {
    const { total, perSecond } = this.#pace;
    while (this.#sent < total && this.#hasRoom()) {
      const now = performance.now();
      const dueMs = perSecond ? this.#startMs + ((this.#sent + 1) * 1000) / perSecond : now;
      if (dueMs > now) return;
      this.#sent += 1;
      this.#send(dueMs);
    }
  }

  #tick(): void {
    this.again();
    if (!this.done) setTimeout(() => this.#tick(), tickMs);
  }
}
