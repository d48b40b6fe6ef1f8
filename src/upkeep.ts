import type { Registry } from 'prom-client';
import type { KeyRing } from './admin/key-ring.ts';
import type { Config } from './config.ts';
import type { DatabaseService } from './database/database-service.ts';
import type { IngestPath } from './ingest-path.ts';
import type { Health } from './observe/health.ts';
import type { Logger } from './observe/logger.ts';
import type { Fellows } from './processes/fellows.ts';
import { RetentionJob } from './retention/retention-job.ts';
import { VerificationJob } from './rollup/verification-job.ts';
import { Collectors } from './status/collectors.ts';
import { OwnStatus } from './status/own-status.ts';
import { version } from './version.ts';

/** What it is made of. */
interface Given {
  readonly config: Config;
  readonly database: DatabaseService;
  readonly path: Pick<IngestPath, 'rollups' | 'buffer' | 'spool' | 'left'>;
  readonly ring: KeyRing;
  readonly fellows: Fellows;
  readonly health: Health;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** What goes on every minute or every night, beside all that is stored. */
export class Upkeep {
  readonly #database: DatabaseService;
  readonly #retention: RetentionJob;
  readonly #verification: VerificationJob;
  /** What is told of how collectors fare. */
  readonly collectors: Collectors;

  constructor({ config, database, path, ring, fellows, health, registry, logger }: Given) {
    const { rollups, buffer, spool, left } = path;
    this.#database = database;
    this.#retention = new RetentionJob(database.upkeep, rollups, config, health, logger, registry);
    const hour = config.rollupVerifyHour;
    this.#verification = new VerificationJob(database.upkeep, hour, health, logger, registry);
    const parts = { version, health, registry, ring, buffer, spools: [spool, left] };
    const own = new OwnStatus({ ...config, ...parts });
    this.collectors = new Collectors(database.gossip, database.reader, own, fellows);
  }

  /** Begins when the tables are ready; the signal ends it. */
  start(signal: AbortSignal): void {
    this.#retention.start(this.#database.ready, signal);
    this.#verification.start(this.#database.ready, signal);
    this.#database.ready.then(() => this.collectors.run(signal)).catch(() => {});
  }
}
