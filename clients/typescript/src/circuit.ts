/** After so many failed tries in a row the circuit opens (clause 3.4). */
export const failuresMax = 3;
const delayMsMin = 100;
const delayMsMax = 30_000;

/** Says when the next try may be, and keeps a dead service cheap. */
export class Circuit {
  #failures = 0;
  #nextTryMs = 0;

  get isOpen(): boolean {
    return this.#failures >= failuresMax;
  }

  get hasFailed(): boolean {
    return this.#failures > 0;
  }

  /** How long to wait before the next try. */
  get delayMs(): number {
    return Math.max(0, this.#nextTryMs - performance.now());
  }

  succeeded(): void {
    this.#failures = 0;
    this.#nextTryMs = 0;
  }

  /** `askedMs`: what the server asked for, which jitter only lengthens. */
  failed(askedMs: number | undefined): void {
    const ownMs = Math.min(delayMsMin * 2 ** Math.min(this.#failures, 20), delayMsMax);
    this.#failures += 1;
    this.#nextTryMs = performance.now() + (askedMs ?? ownMs) * (1 + Math.random() / 4);
  }
}
