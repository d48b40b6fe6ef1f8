import type { Kysely } from 'kysely';
import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import { createKysely } from '../database/kysely.ts';
import { databaseNowMs } from '../database/ledger-span.ts';
import { whereAlone } from '../database/maintenance-lock.ts';
import { Persistence } from '../database/persistence.ts';
import type { Database } from '../database/schema.ts';
import { StartError } from '../errors.ts';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { dayMs, hourMs, minuteMs } from '../units.ts';
import { lastVerification, verifyNightly } from './nightly.ts';

const lookEveryMs = minuteMs;
const retryMs = 1000;
/** Later than that it is day. */
const nightMs = 6 * hourMs;

/** Compares rollups with rows every night, one collector for all, and tells what was found last. */
export class VerificationJob {
  readonly #pool: pg.Pool;
  readonly #db: Kysely<Database>;
  readonly #hour: number | 'off';
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #differences: Gauge;
  readonly #verifiedAt: Gauge;

  /** `hour`: of the day (UTC) at which the night begins. */
  constructor(
    pool: pg.Pool,
    hour: number | 'off',
    health: Health,
    logger: Logger,
    registry: Registry,
  ) {
    this.#pool = pool;
    this.#db = createKysely(pool);
    this.#hour = hour;
    this.#health = health;
    this.#logger = logger;
    this.#differences = new Gauge({
      name: 'telemetry_rollup_differences',
      aggregator: 'max',
      help: 'Differences between rollups and rows that were found last, by whichever collector.',
      registers: [registry],
    });
    this.#verifiedAt = new Gauge({
      name: 'telemetry_rollup_verified_seconds',
      aggregator: 'max',
      help: 'When that was, as a Unix time; 0 before that.',
      registers: [registry],
    });
  }

  /** Begins when the tables are ready; the signal ends it. */
  start(ready: Promise<void>, signal: AbortSignal): void {
    const persistence = new Persistence(this.#health, this.#logger, signal);
    const run = () =>
      persistence.repeat('verification', retryMs, async (nextAfter) => {
        if (!this.#health.isWell('database', 'schema')) return;
        const differences = await this.#look();
        nextAfter(lookEveryMs);
        if (differences) throw new Error(differences);
      });
    ready.then(run, () => {});
  }

  /** Resolves with what was found last, for people; undefined where that is nothing. */
  async #look(): Promise<string | undefined> {
    if (await this.#isDue()) {
      await whereAlone(this.#pool, 'verification', async () => {
        // Somebody else may have been quicker.
        if (await this.#isDue()) await this.#verify();
      });
    }
    const last = await lastVerification(this.#db);
    if (!last) return undefined;
    this.#verifiedAt.set(last.finishedAt.getTime() / 1000);
    this.#differences.set(last.differences);
    return last.differences === 0
      ? undefined
      : `${last.differences} differences between rollups and rows at ${last.finishedAt.toISOString()}: "gravitas-telemetry rollups verify" lists them, "rollups rebuild" mends them`;
  }

  /** By the database's clock. */
  async #isDue(): Promise<boolean> {
    if (this.#hour === 'off') return false;
    const nowMs = await databaseNowMs(this.#db);
    const sinceMs = (nowMs - this.#hour * hourMs) % dayMs;
    if (sinceMs > nightMs) return false;
    const last = await lastVerification(this.#db);
    return !last || last.finishedAt.getTime() < nowMs - sinceMs;
  }

  async #verify(): Promise<void> {
    try {
      const { span, differences } = await verifyNightly(this.#db);
      const level = differences.length > 0 ? 'error' : 'info';
      const found = differences.slice(0, 5);
      this.#logger[level](
        { ...span, differences: differences.length, found },
        'rollups are compared with the rows',
      );
    } catch (error) {
      // Older rows are still being read: in another minute.
      if (!(error instanceof StartError)) throw error;
    }
  }
}
