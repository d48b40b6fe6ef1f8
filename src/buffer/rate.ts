const windowMs = 1000;

/** How much was done in the last second or two. */
export class Rate {
  #windowStartMs = 0;
  #current = 0;
  #previous: number | undefined;

  add(amount: number, nowMs: number): void {
    this.#roll(nowMs);
    this.#current += amount;
  }

  /** Per millisecond; undefined where nothing was done. */
  perMs(nowMs: number): number | undefined {
    this.#roll(nowMs);
    const amount = (this.#previous ?? 0) + this.#current;
    const spanMs = nowMs - this.#windowStartMs + (this.#previous === undefined ? 0 : windowMs);
    return amount > 0 && spanMs > 0 ? amount / spanMs : undefined;
  }

  #roll(nowMs: number): void {
    const passedMs = nowMs - this.#windowStartMs;
    if (passedMs < windowMs) return;
    // After a pause the window before the present one was empty.
    this.#previous = passedMs < 2 * windowMs ? this.#current : undefined;
    this.#current = 0;
    this.#windowStartMs = nowMs;
  }
}
