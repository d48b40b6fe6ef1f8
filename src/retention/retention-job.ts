import type pg from 'pg';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { createKysely } from '../database/kysely.ts';
import { Persistence } from '../database/persistence.ts';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { recordKinds, tables } from '../records/tables.ts';
import { readFloors } from '../rollup/floors.ts';
import { levels, shapes } from '../rollup/shapes.ts';
import type { RollupAccess } from '../rollup/state.ts';
import { minuteMs } from '../units.ts';
import type { Leaf } from './leaves.ts';
import { retentionOptions } from './options.ts';
import { type DropReason, Retention } from './retention.ts';

/** A database that fills its disk does not take hours. */
const passEveryMs = minuteMs;
const obstacleMs = 10_000;
const retryMs = 1000;

/** Runs retention every minute, and tells what it does. */
export class RetentionJob {
  readonly #pool: pg.Pool;
  readonly #rollups: RollupAccess;
  readonly #config: Config;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #dropped: Counter<'table' | 'reason'>;
  readonly #droppedBytes: Counter<'table'>;
  readonly #deleted: Counter<'table'>;
  readonly #bytes: Gauge;
  readonly #bytesMax: Gauge;
  readonly #floor: Gauge<'table'>;

  constructor(
    pool: pg.Pool,
    rollups: RollupAccess,
    config: Config,
    health: Health,
    logger: Logger,
    registry: Registry,
  ) {
    this.#pool = pool;
    this.#rollups = rollups;
    this.#config = config;
    this.#health = health;
    this.#logger = logger;
    const registers = [registry];
    this.#dropped = new Counter({
      name: 'telemetry_retention_dropped_partitions_total',
      help: 'Partitions whose rows this collector has dropped: for their age, or because all takes too much room.',
      labelNames: ['table', 'reason'],
      registers,
    });
    this.#droppedBytes = new Counter({
      name: 'telemetry_retention_dropped_bytes_total',
      help: 'What those took.',
      labelNames: ['table'],
      registers,
    });
    this.#deleted = new Counter({
      name: 'telemetry_retention_deleted_rows_total',
      help: 'Rows that this collector has deleted for their age, where they can not be dropped by the day.',
      labelNames: ['table'],
      registers,
    });
    this.#bytes = new Gauge({
      name: 'telemetry_retention_bytes',
      aggregator: 'max',
      help: 'What all tables take.',
      registers,
    });
    this.#bytesMax = new Gauge({
      name: 'telemetry_retention_bytes_max',
      aggregator: 'max',
      help: 'What they may take before the oldest days are dropped early; +Inf: no limit.',
      registers,
    });
    this.#floor = new Gauge({
      name: 'telemetry_retention_floor_seconds',
      aggregator: 'max',
      help: 'Rows from before this Unix time are gone; 0 as long as none are.',
      labelNames: ['table'],
      registers,
    });
    this.#begin();
  }

  /** Begins when the tables are ready; the signal ends it. */
  start(ready: Promise<void>, signal: AbortSignal): void {
    const persistence = new Persistence(this.#health, this.#logger, signal);
    const run = async () => {
      let retention: Retention | undefined;
      await persistence.repeat('retention', retryMs, async (nextAfter) => {
        if (!this.#health.isWell('database', 'schema')) return;
        retention ??= await this.#createRetention();
        const obstacles = await this.#pass(retention, signal);
        // An outage is over at some moment, what others are in the way of takes time.
        nextAfter(obstacles.length > 0 ? obstacleMs : passEveryMs);
        if (obstacles.length > 0) throw new Error(obstacles.join('; '));
      });
    };
    ready.then(run, () => {});
  }

  async #createRetention(): Promise<Retention> {
    const options = await retentionOptions(this.#config);
    this.#bytesMax.set(options.bytesMax);
    return new Retention(this.#pool, this.#rollups, options, {
      dropped: (leaf, reason) => this.#onDropped(leaf, reason),
      deleted: (table, rows) => this.#onDeleted(table, rows),
    });
  }

  /** Resolves with what is in the way. */
  async #pass(retention: Retention, signal: AbortSignal): Promise<readonly string[]> {
    const pass = await retention.run(signal);
    const { rowsMs } = await readFloors(createKysely(this.#pool));
    for (const kind of recordKinds) {
      this.#floor.set({ table: tables[kind].name }, Math.max(0, rowsMs[kind] / 1000));
    }
    if (pass) this.#bytes.set(pass.bytes);
    return pass?.obstacles ?? [];
  }

  #begin(): void {
    for (const kind of recordKinds) {
      const table = tables[kind].name;
      for (const reason of ['age', 'size']) this.#dropped.inc({ table, reason }, 0);
      this.#droppedBytes.inc({ table }, 0);
      this.#deleted.inc({ table }, 0);
      this.#floor.set({ table }, 0);
    }
    const others = shapes.flatMap((shape) => levels.map((level) => shape.levelTables[level]));
    for (const table of [...others, 'telemetry_audit', 'dead_letters']) {
      this.#deleted.inc({ table }, 0);
    }
  }

  #onDropped({ table, name, bytes }: Leaf, reason: DropReason): void {
    this.#dropped.inc({ table, reason });
    this.#droppedBytes.inc({ table }, bytes);
    this.#logger.info({ table, partition: name, bytes, reason }, 'the rows of a day are dropped');
  }

  #onDeleted(table: string, rows: number): void {
    this.#deleted.inc({ table }, rows);
    this.#logger.info({ table, rows }, 'old rows are deleted');
  }
}
