import type pg from 'pg';
import { Counter, type Registry } from 'prom-client';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { hourMs } from '../units.ts';
import { type Damage, expectedNames, lookAtTables } from './expected-tables.ts';
import { createKysely } from './kysely.ts';
import type { Maintenance } from './maintenance.ts';
import { migrateToLatest } from './migrate.ts';
import type { Persistence } from './persistence.ts';
import { checkServer } from './watch.ts';

/** While everything is stored, a loss can't be of what is written to: the next look has time. */
const lookEveryMs = 2000;
const lookInTroubleEveryMs = 500;
const partitionsRetryMs = 10_000;
/** How long a start waits for the partitions, which long transactions may keep from being made. */
const partitionsMsMax = 3000;
/** How long a loss that is mended already can be read in /readyz. */
const noticeMs = 20_000;

/**
 * Keeps the tables as they should be: brings them up to date, sees to their partitions every hour,
 * and notices when somebody has dropped or replaced one.
 */
export class SchemaKeeper {
  readonly #pool: pg.Pool;
  readonly #maintenance: Maintenance;
  readonly #persistence: Persistence;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #remade: Counter<'table'>;
  #hasBeenThere = false;
  #noticedMs = -Infinity;
  #partitionsTriedMs = 0;
  #seeing: Promise<void> | undefined;
  /** Those of the last look. */
  #partitions: ReadonlySet<number> = new Set();

  constructor(
    pool: pg.Pool,
    maintenance: Maintenance,
    persistence: Persistence,
    health: Health,
    logger: Logger,
    registry: Registry,
  ) {
    this.#pool = pool;
    this.#maintenance = maintenance;
    this.#persistence = persistence;
    this.#health = health;
    this.#logger = logger;
    this.#remade = new Counter({
      name: 'telemetry_tables_remade_total',
      help: 'Tables that somebody had dropped or replaced, and that were made anew.',
      labelNames: ['table'],
      registers: [registry],
    });
    for (const table of expectedNames) this.#remade.inc({ table }, 0);
  }

  /** Resolves when the schema is up to date, and whatever can be written has its partition. */
  async prepare(): Promise<void> {
    const checked = async () => {
      for (const warning of await checkServer(this.#pool)) this.#logger.warn(warning);
      await this.#bringUpToDate();
      // Reported as well when the partitions are seen to, not before.
      this.#health.expect('partitions', 'not looked at yet', false);
    };
    await this.#persistence.untilDone('schema', checked);
    // Without them rows go to the default partition: that is no reason not to take any.
    this.#health.report('partitions', 'are still being made', false);
    await Promise.race([this.#seeToPartitions(), this.#persistence.pause(partitionsMsMax)]);
  }

  /** Resolves when the signal ends it. */
  async watch(): Promise<void> {
    while (!this.#persistence.ended) {
      const isStored = this.#health.isWell('commit');
      await this.#persistence.pause(isStored ? lookEveryMs : lookInTroubleEveryMs);
      if (Date.now() - this.#noticedMs > noticeMs) this.#health.report('tables', undefined);
      await this.#look();
      const everyMs = this.#health.isWell('partitions') ? hourMs : partitionsRetryMs;
      if (Date.now() - this.#partitionsTriedMs > everyMs) await this.#seeToPartitions();
    }
  }

  async #seeToPartitions(): Promise<void> {
    const attempt = async () => {
      await this.#persistence.attempt('partitions', async () => {
        await this.#maintenance.run();
        this.#partitions = (await lookAtTables(createKysely(this.#pool))).partitions;
      });
      this.#partitionsTriedMs = Date.now();
      this.#seeing = undefined;
    };
    this.#seeing ??= attempt();
    await this.#seeing;
  }

  async #look(): Promise<void> {
    const found = await lookAtTables(createKysely(this.#pool)).catch(() => undefined);
    if (!found) return;
    const { damage, partitions, isBehind } = found;
    if (damage.length === 0 && !isBehind) {
      const isLost = [...this.#partitions].some((oid) => !partitions.has(oid));
      this.#partitions = partitions;
      // Whoever may not make them is told so once, and then every now and then.
      if (isLost && this.#health.isWell('partitions')) await this.#seeToPartitions();
      return;
    }
    if (damage.length > 0) this.#notice(damage, 'found');
    await this.#persistence.attempt('schema', () => this.#bringUpToDate());
    await this.#seeToPartitions();
  }

  async #bringUpToDate(): Promise<void> {
    const damage = await migrateToLatest(this.#pool, this.#logger, !this.#hasBeenThere);
    this.#hasBeenThere = true;
    for (const { table } of damage) this.#remade.inc({ table });
    if (damage.length > 0) this.#notice(damage, 'made anew');
  }

  #notice(damage: readonly Damage[], state: 'found' | 'made anew'): void {
    this.#noticedMs = Date.now();
    const at = new Date(this.#noticedMs).toISOString();
    const reasons = damage.map(({ reason }) => reason).join(', ');
    this.#health.report('tables', `${reasons} (${state} at ${at})`, false);
  }
}
