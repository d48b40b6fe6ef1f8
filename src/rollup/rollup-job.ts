import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { forgetCommitNotes } from '../database/commit-notes-span.ts';
import { createKysely } from '../database/kysely.ts';
import { buildLaterIndexes } from '../database/later-indexes.ts';
import { Persistence } from '../database/persistence.ts';
import type { Database } from '../database/schema.ts';
import { isLackOfRights } from '../database/short-locks.ts';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { tables } from '../records/tables.ts';
import { minuteMs } from '../units.ts';
import { countDayApart } from './count-apart.ts';
import { fold } from './fold.ts';
import { rollHistory } from './history.ts';
import { joinSketches } from './join-sketches.ts';
import { addLaterMargins, completeMargins } from './later-margins.ts';
import { mergeNoted, settle } from './merge.ts';
import { repair } from './repair.ts';
import { RollupMetrics } from './rollup-metrics.ts';
import { addMargins } from './series.ts';
import type { SeriesCache } from './series-cache.ts';
import type { RollupWriter } from './state.ts';
import { sweep } from './sweep.ts';
import { SweptLeaves } from './swept-leaves.ts';

const foldEveryMs = 2500;
/** After a failure, so that health says soon that it is over. */
const retryMs = 500;
const sweepEveryMs = 10_000;
/** Older fresh rows mean that nobody keeps up. */
const freshAgeSMax = 30;

/**
 * Keeps the rollups: folds what was stored, claims what others wrote, reads what was there before.
 * Collectors on one database take turns.
 */
export class RollupJob {
  readonly #db: Kysely<Database>;
  readonly #pool: pg.Pool;
  readonly #writer: RollupWriter;
  readonly #series: readonly SeriesCache[];
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #metrics: RollupMetrics;
  #seriesTable: string | undefined;
  #hasHistory = true;
  #isIndexed = false;
  readonly #leaves = new SweptLeaves();
  #sweptMs = -Infinity;
  /** What keeps rows of others from being claimed. */
  #sweepFault: unknown;
  #mergedMs = -Infinity;

  constructor(
    pool: pg.Pool,
    writer: RollupWriter,
    series: readonly SeriesCache[],
    health: Health,
    logger: Logger,
    registry: Registry,
  ) {
    this.#db = createKysely(pool);
    this.#pool = pool;
    this.#writer = writer;
    this.#series = series;
    this.#health = health;
    this.#logger = logger;
    this.#metrics = new RollupMetrics(registry);
  }

  /** Begins when the tables are ready; the signal ends it. */
  start(ready: Promise<void>, signal: AbortSignal): void {
    const persistence = new Persistence(this.#health, this.#logger, signal);
    ready.then(
      () => {
        this.#run(persistence, signal);
        this.#readHistory(persistence);
      },
      () => {},
    );
  }

  async #run(persistence: Persistence, signal: AbortSignal): Promise<void> {
    await persistence.repeat('rollups', retryMs, async (nextAfter) => {
      await this.#keep(signal);
      nextAfter(foldEveryMs);
    });
  }

  async #keep(signal: AbortSignal): Promise<void> {
    await this.#noticeOtherSeries();
    await this.#foldAll(signal);
    await this.#repairAll(signal);
    if (Date.now() - this.#sweptMs > sweepEveryMs) {
      await this.#sweepAll(signal);
      await forgetCommitNotes(this.#db);
      this.#sweptMs = Date.now();
    }
    if (Date.now() - this.#mergedMs > minuteMs / 2) {
      await this.#addMargins();
      await settle(this.#writer);
      await completeMargins(this.#writer);
      for (const work of [mergeNoted, countDayApart, joinSketches, addLaterMargins]) {
        while (!signal.aborted && (await work(this.#writer))) await this.#foldAll(signal);
      }
      await this.#metrics.lookAtSeries(this.#db);
      this.#mergedMs = Date.now();
    }
    await this.#look();
    if (this.#sweepFault !== undefined) throw this.#sweepFault;
  }

  async #addMargins(): Promise<void> {
    for (const { shape } of this.#series) while (await addMargins(this.#db, shape));
  }

  async #sweepAll(signal: AbortSignal): Promise<void> {
    let fault: unknown;
    for (const series of this.#series) {
      const note = (found: unknown) => {
        fault ??= found;
      };
      const swept = await sweep(this.#db, this.#writer, series, signal, this.#leaves, note);
      this.#metrics.swept.inc({ table: tables[series.shape.kind].name }, swept);
      if (swept > 0) await this.#foldAll(signal);
    }
    this.#sweepFault = fault;
  }

  async #foldAll(signal: AbortSignal): Promise<void> {
    for (let isPart = true; isPart && !signal.aborted; ) {
      const folded = await fold(this.#writer);
      this.#metrics.folded.inc(folded?.events ?? 0);
      isPart = folded?.isPart ?? false;
    }
  }

  async #repairAll(signal: AbortSignal): Promise<void> {
    for (const series of this.#series) {
      while (!signal.aborted && (await repair(this.#db, this.#writer, series))) {
        await this.#foldAll(signal);
      }
    }
  }

  /** Numbers of series are others where somebody has dropped the table of them. */
  async #noticeOtherSeries(): Promise<void> {
    const names = this.#series.map(({ shape }) => shape.seriesTable);
    const { rows } = await sql<{ table: string }>`
      select string_agg(to_regclass(name)::oid::text, ' ') as table
      from unnest(${names}::text[]) as name`.execute(this.#db);
    const found = rows[0]?.table;
    if (found === this.#seriesTable) return;
    for (const series of this.#series) {
      if (this.#seriesTable !== undefined) series.forget();
      await series.load();
    }
    this.#seriesTable = found;
  }

  async #look(): Promise<void> {
    const ageS = await this.#metrics.lookAtFresh(this.#db);
    if (ageS > freshAgeSMax) {
      throw new Error(`records wait for ${Math.round(ageS)} s to be rolled up`);
    }
  }

  /** In the background: what is stored now goes first. */
  async #readHistory(persistence: Persistence): Promise<void> {
    while (!persistence.ended && (this.#hasHistory || !this.#isIndexed)) {
      const isDone = await persistence.attempt('older rows', async () => {
        for (const series of this.#series) {
          do this.#hasHistory = await rollHistory(this.#db, this.#writer, series);
          while (this.#hasHistory && !persistence.ended);
          if (this.#isIndexed || persistence.ended) continue;
          await this.#index(tables[series.shape.kind].name);
        }
        this.#isIndexed = !persistence.ended;
      });
      await persistence.pause(isDone ? foldEveryMs : retryMs);
    }
  }

  /** A role that may not: rows of others are found without, only slower and later. */
  async #index(table: string): Promise<void> {
    await buildLaterIndexes(this.#db, this.#pool, table).catch((error) => {
      if (!isLackOfRights(error)) throw error;
      this.#logger.warn(
        { table },
        'rows of other writers are found slowly: run "gravitas-telemetry migrate" as the role that owns the tables',
      );
    });
  }
}
