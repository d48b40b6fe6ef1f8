import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import { errorMessage } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { dayMs, hourMs, minuteMs } from '../units.ts';
import { adoptionStates } from './adoption.ts';
import { batchIdAgeMsMax, ledgerHorizonMs } from './ledger-span.ts';
import { withMaintenanceLock } from './maintenance-lock.ts';
import { dropPartitionsBefore, ensureArchivePartition, ensurePartitions } from './partitions.ts';
import type { Database } from './schema.ts';

const _retryMs = minuteMs;

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

  /** One task that fails does not keep the others. */
  async run(now = Date.now()): Promise<void> {
    const failures: unknown[] = [];
    await withMaintenanceLock(this.#pool, async () => {
      for (const task of await this.#tasks(now)) {
        await task().catch((error) => failures.push(error));
      }
    });
    await this.#countStrays().catch((error) => failures.push(error));
    if (failures.length === 0) return;
    const reasons = new Set(failures.map(errorMessage));
    throw new AggregateError(failures, [...reasons].join('; '));
  }

  async #tasks(now: number): Promise<(() => Promise<unknown>)[]> {
    const db = this.#db;
    const fromMs = now - this.#options.eventAgeMsMax;
    const toMs = now + this.#options.partitionDaysAhead * dayMs;
    const targets = new Set((await adoptionStates(db)).map(({ target }) => target));
    return [
      () => ensurePartitions(db, { table: 'system_telemetry', fromMs, toMs }),
      () => ensurePartitions(db, { table: 'usage_stats', fromMs, toMs }),
      () => ensurePartitions(db, { table: 'batch_ledger', fromMs: now - batchIdAgeMsMax, toMs }),
      ...[...targets].map((target) => () => ensureArchivePartition(db, target, fromMs)),
      async () => dropPartitionsBefore(db, 'batch_ledger', await ledgerHorizonMs(db, now)),
    ];
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
