import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../observe/logger.ts';
import { dayMs } from '../units.ts';
import { adoptionStates } from './adoption.ts';
import { forgetCalls } from './claims-span.ts';
import { type DataTable, dataTables } from './expected-tables.ts';
import { batchIdAgeMsMax, forgetLateIds, ledgerHorizonMs } from './ledger-span.ts';
import { withMaintenanceLock } from './maintenance-lock.ts';
import {
  dropPartitionsBefore,
  ensureArchivePartition,
  ensurePartitions,
  partitionedTables,
} from './partitions.ts';
import type { Database } from './schema.ts';
import { settleStrays } from './stray-rows.ts';

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
      aggregator: 'max',
      help: 'Rows outside of all partitions by day, which slow queries and dropping: should be 0.',
      labelNames: ['table'],
      registers: [registry],
    });
  }

  /** Does all that is to be done; throws what kept some of it from being done. */
  async run(now = Date.now()): Promise<void> {
    const failures: unknown[] = [];
    for (const task of this.#tasks(now)) {
      // One that fails does not keep the others, nor has them wait with the lock.
      await withMaintenanceLock(this.#pool, task).catch((error) => failures.push(error));
    }
    await this.#countStrays().catch((error) => failures.push(error));
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures);
  }

  #tasks(now: number): (() => Promise<unknown>)[] {
    const fromMs = now - this.#options.eventAgeMsMax;
    const toMs = now + this.#options.partitionDaysAhead * dayMs;
    const ledgerFromMs = now - batchIdAgeMsMax;
    const window = (table: DataTable) => async () =>
      await ensurePartitions(this.#db, { table, fromMs, toMs });
    return [
      async () => {
        for (const { target } of await adoptionStates(this.#db)) {
          await ensureArchivePartition(this.#db, target, fromMs);
        }
      },
      ...dataTables.map(window),
      ...dataTables.map((table) => () => settleStrays(this.#db, table, fromMs)),
      () => ensurePartitions(this.#db, { table: 'batch_ledger', fromMs: ledgerFromMs, toMs }),
      async () => {
        const horizonMs = await ledgerHorizonMs(this.#db, now);
        await dropPartitionsBefore(this.#db, 'batch_ledger', horizonMs);
        await forgetLateIds(this.#db, horizonMs);
      },
      () => forgetCalls(this.#db, now, this.#options.eventAgeMsMax),
    ];
  }

  async #countStrays(): Promise<void> {
    for (const table of partitionedTables) {
      const { rows } = await sql<{ count: number }>`
        select count(*) as count from only ${sql.table(`${table}_default`)}`.execute(this.#db);
      const count = rows[0]?.count ?? 0;
      this.#strays.set({ table }, count);
      if (count > 0)
        this.#logger.error({ table, rows: count }, 'the default partition is not empty');
    }
  }
}
