const stepsBetweenLooks = 16;

/** Says when work of many steps has taken too long. */
export class StepTime {
  readonly #msMax: number;
  #steps = 0;
  #isOver = false;
  #lookedMs = performance.now();
  #spentMs = 0;
  #longestMs = 0;

  constructor(msMax: number) {
    this.#msMax = msMax;
  }

  /** To be asked at each step: it looks at the clock now and then. */
  isOver(): boolean {
    this.#steps += 1;
    return this.#steps % stepsBetweenLooks === 0 ? this.isOverNow() : this.#isOver;
  }

  /** The longest step is not counted: a busy machine may have seen to others in it. */
  isOverNow(): boolean {
    const nowMs = performance.now();
    const stepMs = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    this.#spentMs += stepMs;
    this.#longestMs = Math.max(this.#longestMs, stepMs);
    this.#isOver ||= this.#spentMs - this.#longestMs > this.#msMax;
    return this.#isOver;
  }
}
