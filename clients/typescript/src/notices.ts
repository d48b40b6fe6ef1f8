import type { ClientLogger } from './options.ts';
import { afterMs } from './timers.ts';

const everyMs = 60_000;
/** What the client's own lines begin with: the pino transport passes them over (clause 5.5). */
export const ownPrefix = 'gravitas-telemetry: ';

/** Warns at most once a minute; a logger that fails is no reason to fail. */
export class Notices {
  readonly #logger: ClientLogger;
  #nextMs = 0;
  #suppressed = 0;

  constructor(logger: ClientLogger) {
    this.#logger = logger;
  }

  /** Soon: whoever calls `log` doesn't wait for a terminal. */
  warnLater(message: string): void {
    afterMs(0, () => this.warn(message));
  }

  warn(message: string): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) {
      this.#suppressed += 1;
      return;
    }
    this.#nextMs = nowMs + everyMs;
    const more = this.#suppressed > 0 ? ` (and ${this.#suppressed} warnings before)` : '';
    this.#suppressed = 0;
    try {
      this.#logger.warn(`${ownPrefix}${message}${more}`);
    } catch {}
  }
}
