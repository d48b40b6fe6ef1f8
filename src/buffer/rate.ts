const windowMs = 1000;
const nothing = { amount: 0, spanMs: 0 };

/** How fast something is done, as seen in the last second or two. */
export class Rate {
  #startMs = -Infinity;
  #lastMs = -Infinity;
  #current = 0;
  /** The window before the present one. */
  #previous = nothing;

  /** So much is done by now, in work that took so long. */
  add(amount: number, nowMs: number, tookMs: number): void {
    const beganMs = nowMs - tookMs;
    if (beganMs - this.#lastMs > windowMs) {
      // After a pause, which says nothing of how fast the work is.
      this.#previous = nothing;
      this.#current = 0;
      this.#startMs = beganMs;
    }
    this.#lastMs = nowMs;
    this.#current += amount;
    const spanMs = nowMs - this.#startMs;
    if (spanMs < windowMs) return;
    this.#previous = { amount: this.#current, spanMs };
    this.#current = 0;
    this.#startMs = nowMs;
  }

  /** Per millisecond; undefined where nothing was done. */
  perMs(nowMs: number): number | undefined {
    if (nowMs - this.#lastMs > 2 * windowMs) return undefined;
    const spanMs = this.#previous.spanMs + nowMs - this.#startMs;
    return spanMs > 0 ? (this.#previous.amount + this.#current) / spanMs : undefined;
  }
}
