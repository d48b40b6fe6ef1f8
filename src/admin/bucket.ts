/** How much may be used at once of what nobody has used: half a second's worth. */
const burstMs = 500;

/**
 * So much a second. Whatever there is any room for is taken as a whole, and what it takes beyond is
 * owed: so the mean holds, however large a batch is.
 */
export class Bucket {
  #perMs: number;
  #level: number;
  #filledAt = performance.now();

  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#level = this.#perMs * burstMs;
  }

  /** From now on. */
  set perSecond(perSecond: number) {
    this.#fill();
    this.#perMs = perSecond / 1000;
    this.#level = Math.min(this.#level, this.#perMs * burstMs);
  }

  /** Milliseconds until there is room; 0: there is. */
  get waitMs(): number {
    this.#fill();
    return this.#level > 0 ? 0 : Math.ceil(-this.#level / this.#perMs) + 1;
  }

  take(amount: number): void {
    this.#level -= amount;
  }

  #fill(): void {
    const now = performance.now();
    const filled = this.#level + (now - this.#filledAt) * this.#perMs;
    this.#level = Math.min(filled, this.#perMs * burstMs);
    this.#filledAt = now;
  }
}
