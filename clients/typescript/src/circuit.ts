/** After so many failed tries in a row the circuit opens (clause 3.4). */
export const failuresMax = 3;
const delayMsMin = 100;
const delayMsMax = 30_000;
/** A server that wants to be left alone for longer is not waited for (clause 3.3). */
const momentMsMax = 1000;

/** Says when the next try may be, and keeps a dead service cheap. */
export class Circuit {
  #failures = 0;
  /** Those of tries that were under way together double the delay once. */
  #doublings = 0;
  #failedMs = 0;
  #nextTryMs = 0;
  #isPutOff = false;

  get isOpen(): boolean {
    return this.#failures >= failuresMax || this.#isPutOff;
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
    this.#doublings = 0;
    this.#nextTryMs = 0;
    this.#isPutOff = false;
  }

  /**
   * A try failed that began at `begunMs` (performance.now). `askedMs`: what the server asked for,
   * which jitter only lengthens.
   */
  failed(begunMs: number, askedMs: number | undefined): void {
    if (this.#failures > 0 && begunMs >= this.#failedMs) this.#doublings += 1;
    this.#failures += 1;
    this.#failedMs = performance.now();
    const ownMs = Math.min(delayMsMin * 2 ** this.#doublings, delayMsMax);
    this.#isPutOff = (askedMs ?? 0) > momentMsMax;
    this.#nextTryMs = this.#failedMs + (askedMs ?? ownMs) * (1 + Math.random() / 4);
  }
}
