import type { Health } from '../observe/health.ts';
import type { FallbackOptions } from './fallback.ts';
import type { Outage } from './outage.ts';
import type { Spool } from './spool/spool.ts';

const checkEveryMs = 500;

/** Tells of the spool and its disk whether they let the collector take anything at all. */
export class IntakeWatch {
  readonly #spool: Spool;
  readonly #outage: Outage;
  readonly #options: FallbackOptions;
  readonly #health: Health;
  #timer: NodeJS.Timeout | undefined;

  constructor(spool: Spool, outage: Outage, options: FallbackOptions, health: Health) {
    this.#spool = spool;
    this.#outage = outage;
    this.#options = options;
    this.#health = health;
  }

  start(): void {
    this.#timer = setInterval(() => void this.check(), checkEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Without the spool there is only the database, without either nothing is taken. */
  async check(): Promise<void> {
    await this.#spool.testDirectory();
    const { isOn } = this.#outage;
    const { obstacle, concern, diskObstacle } = this.#spool;
    this.#health.report('disk', diskObstacle, isOn || this.#options.sharesDisk);
    this.#health.report('spool', obstacle ?? concern, isOn && obstacle !== undefined);
  }
}
