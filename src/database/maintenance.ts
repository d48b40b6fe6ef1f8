import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../observe/logger.ts';
import { dayMs, hourMs } from '../units.ts';
import { adoptionStates } from './adoption.ts';
import { batchIdAgeMsMax, ledgerHorizonMs } from './ledger-span.ts';
import { withMaintenanceLock } from './maintenance-lock.ts';
import { dropPartitionsBefore, ensureArchivePartition, ensurePartitions } from './partitions.ts';
import type { Database } from './schema.ts';

/** How far a batch id's time may lie ahead of ours. */
export const batchIdAheadMsMax = hourMs;

export interface MaintenanceOptions {
  /** How old an accepted event may be. */
  readonly eventAgeMsMax: number;
  /** For how many days there are partitions beforehand. */
  readonly partitionDaysAhead: number;
}

/** Keeps partitions ahead of the data, and forgets batch ids that are out of date. */
export class Maintenance {
  readonly #db: Kysely<Database>;
  readonly #pool: pg.Pool;
  readonly #options: MaintenanceOptions;
  readonly #logger: Logger;
  readonly #strays: Gauge<'table'>;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    db: Kysely<Database>,
    pool: pg.Pool,
    options: MaintenanceOptions,
    logger: Logger,
    registry: Registry,
  ) {
    this.#db = db;
    this.#pool = pool;
    this.#options = options;
    this.#logger = logger;
    this.#strays = new Gauge({
      name: 'telemetry_default_partition_rows',
      help: 'Rows outside of all partitions by day, which slow queries and dropping: should be 0.',
      labelNames: ['table'],
      registers: [registry],
    });
  }

  /** Runs once now, and every hour until stopped; may be called again. */
  async start(): Promise<void> {
    await this.run();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.run().catch((error) => this.#logger.error({ err: error }, 'maintenance failed'));
    }, hourMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async run(now = Date.now()): Promise<void> {
    await withMaintenanceLock(this.#pool, async () => {
      const fromMs = now - this.#options.eventAgeMsMax;
      const toMs = now + this.#options.partitionDaysAhead * dayMs;
      for (const { target } of await adoptionStates(this.#db)) {
        await ensureArchivePartition(this.#db, target, fromMs);
      }
      await ensurePartitions(this.#db, { table: 'system_telemetry', fromMs, toMs });
      await ensurePartitions(this.#db, { table: 'usage_stats', fromMs, toMs });
      await ensurePartitions(this.#db, {
        table: 'batch_ledger',
        fromMs: now - batchIdAgeMsMax,
        toMs,
      });
      await dropPartitionsBefore(this.#db, 'batch_ledger', await ledgerHorizonMs(this.#db, now));
    });
    await this.#countStrays();
  }

  async #countStrays(): Promise<void> {
    for (const table of ['system_telemetry', 'usage_stats', 'batch_ledger']) {
      const { rows } = await sql<{ count: number }>`
        select count(*) as count from only ${sql.table(`${table}_default`)}`.execute(this.#db);
      const count = rows[0]?.count ?? 0;
      this.#strays.set({ table }, count);
      if (count > 0)
        this.#logger.error({ table, rows: count }, 'the default partition is not empty');
    }
  }
}
