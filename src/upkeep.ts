import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import type { DatabaseService } from './database/database-service.ts';
import type { Health } from './observe/health.ts';
import type { Logger } from './observe/logger.ts';
import { RetentionJob } from './retention/retention-job.ts';
import type { RollupAccess } from './rollup/state.ts';
import { VerificationJob } from './rollup/verification-job.ts';

/** What goes on every minute or every night, beside all that is stored. */
export class Upkeep {
  readonly #database: DatabaseService;
  readonly #retention: RetentionJob;
  readonly #verification: VerificationJob;

  constructor(
    config: Config,
    database: DatabaseService,
    { rollups }: { readonly rollups: RollupAccess },
    health: Health,
    logger: Logger,
    registry: Registry,
  ) {
    this.#database = database;
    this.#retention = new RetentionJob(database.upkeep, rollups, config, health, logger, registry);
    const hour = config.rollupVerifyHour;
    this.#verification = new VerificationJob(database.upkeep, hour, health, logger, registry);
  }

  /** Begins when the tables are ready; the signal ends it. */
  start(signal: AbortSignal): void {
    this.#retention.start(this.#database.ready, signal);
    this.#verification.start(this.#database.ready, signal);
  }
}
