import { StartError } from '../errors.ts';
import type { Health, HealthPart } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { pause } from '../pause.ts';
import { toldByDatabase } from '../postgres/sqlstate.ts';

const retryMs = 2000;

/**
 * Work that is tried again until it succeeds or the signal ends it; health knows what fails, and
 * why: not in the way, since batches are spooled meanwhile. A `StartError` is thrown at once.
 */
export class Persistence {
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #failures = new Map<string, string>();

  constructor(health: Health, logger: Logger, signal: AbortSignal) {
    this.#health = health;
    this.#logger = logger;
    this.#signal = signal;
  }

  get ended(): boolean {
    return this.#signal.aborted;
  }

  async untilDone(part: HealthPart, work: () => Promise<void>): Promise<void> {
    while (!this.ended && !(await this.attempt(part, work))) await this.pause(retryMs);
  }

  /** One try; false if it failed. */
  async attempt(part: HealthPart, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#failures.delete(part);
      this.#health.report(part, undefined);
      return true;
    } catch (error) {
      if (error instanceof StartError) throw error;
      if (this.ended) return false;
      const reason = toldByDatabase(error);
      // Once for each reason: the same stack every two seconds helps nobody.
      if (this.#failures.get(part) !== reason) {
        this.#logger.error({ err: error }, `${part}: failed, and is tried again`);
      }
      this.#failures.set(part, reason);
      this.#health.report(part, reason, false);
      return false;
    }
  }

  /**
   * Again and again: each try says after how long the next one is due; after one that does not come
   * to that, it is soon.
   */
  async repeat(
    part: HealthPart,
    retryMs: number,
    work: (nextAfter: (ms: number) => void) => Promise<void>,
  ): Promise<void> {
    while (!this.ended) {
      let pauseMs = retryMs;
      const nextAfter = (ms: number) => {
        pauseMs = ms;
      };
      await this.attempt(part, () => work(nextAfter));
      await this.pause(pauseMs);
    }
  }

  async pause(ms: number): Promise<void> {
    await pause(ms, this.#signal);
  }
}
