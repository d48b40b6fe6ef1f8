import type { Kysely } from 'kysely';
import type pg from 'pg';
import { partitionsOf } from '../database/catalog.ts';
import { createKysely } from '../database/kysely.ts';
import { whereAlone } from '../database/maintenance-lock.ts';
import type { Database } from '../database/schema.ts';
import { errorMessage } from '../errors.ts';
import { type RecordKind, recordKinds, tables } from '../records/tables.ts';
import { levels, shapes } from '../rollup/shapes.ts';
import type { RollupAccess } from '../rollup/state.ts';
import { adoptedRows } from './adopted.ts';
import {
  deleteAudit,
  deleteDeadLetters,
  deleteStrays,
  deleteTotals,
  moveStrays,
} from './aged-rows.ts';
import { dayOf, noteDay } from './believed-time.ts';
import { dropEmptyLeaf, emptyLeaf } from './empty-leaf.ts';
import type { Hold, Leaf } from './leaves.ts';
import type { RetentionOptions } from './options.ts';
import { daysBefore, type Plan, planRetention } from './plan.ts';
import { daysWithRows, sizeObstacle, totalBytes } from './size.ts';

export type DropReason = 'age' | 'size';

/** What is told of what a pass does. */
export interface RetentionEvents {
  dropped(leaf: Leaf, reason: DropReason): void;
  deleted(table: string, rows: number): void;
}

/** What a pass has found. */
export interface Pass {
  readonly bytes: number;
  /** For people: what is not done, and why. */
  readonly obstacles: readonly string[];
}

/**
 * Removes what is older than it is to be kept, and the oldest days where all takes too much room:
 * by one collector at a time. Each task has transactions of its own, and one that fails keeps no
 * other.
 */
export class Retention {
  readonly #db: Kysely<Database>;
  readonly #pool: pg.Pool;
  readonly #rollups: RollupAccess;
  readonly #options: RetentionOptions;
  readonly #events: RetentionEvents;

  constructor(
    pool: pg.Pool,
    rollups: RollupAccess,
    options: RetentionOptions,
    events: RetentionEvents,
  ) {
    this.#db = createKysely(pool);
    this.#pool = pool;
    this.#rollups = rollups;
    this.#options = options;
    this.#events = events;
  }

  async plan(oursMs = Date.now()): Promise<Plan> {
    return await planRetention(this.#db, this.#options, oursMs);
  }

  /** Does all that is due; undefined where another collector is at it. */
  async run(signal: AbortSignal, oursMs = Date.now()): Promise<Pass | undefined> {
    return await whereAlone(this.#pool, 'retention', () => this.#run(signal, oursMs));
  }

  async #run(signal: AbortSignal, oursMs: number): Promise<Pass> {
    await noteDay(this.#db, oursMs);
    const plan = await this.plan(oursMs);
    const failures: string[] = [];
    for (const task of this.#tasks(plan)) {
      if (signal.aborted) break;
      await task().catch((error) => failures.push(errorMessage(error)));
    }
    const obstacles = [...new Set(failures), ...heldReasons(plan.held)];
    await this.#keepSmall(plan.nowMs, signal, obstacles);
    return { bytes: await totalBytes(this.#db), obstacles };
  }

  /** The default partitions first: rows there would have others wait for long. */
  #tasks({ nowMs, rowsBeforeMs, aged, past }: Plan): (() => Promise<unknown>)[] {
    const options = this.#options;
    const deleteWith =
      (table: string, days: number, work: (beforeMs: number) => Promise<number>) => async () => {
        const beforeMs = daysBefore(nowMs, days);
        if (beforeMs > -Infinity) this.#tell(table, await work(beforeMs));
      };
    const totals = shapes.flatMap((shape) =>
      levels.map((level) =>
        deleteWith(shape.levelTables[level], options.levelDays[level], (beforeMs) =>
          deleteTotals(this.#db, shape, level, beforeMs),
        ),
      ),
    );
    return [
      ...recordKinds.map((kind) => () => this.#clearStrays(kind, nowMs, rowsBeforeMs[kind])),
      ...aged.map((leaf) => () => this.#empty(leaf, 'age')),
      ...past.map((leaf) => () => dropEmptyLeaf(this.#db, leaf)),
      ...totals,
      deleteWith('telemetry_audit', options.auditDays, (beforeMs) =>
        deleteAudit(this.#db, beforeMs),
      ),
      deleteWith('dead_letters', options.deadLetterDays, (beforeMs) =>
        deleteDeadLetters(this.#db, beforeMs, options.dropsAdopted),
      ),
    ];
  }

  async #clearStrays(kind: RecordKind, nowMs: number, beforeMs: number): Promise<void> {
    const { dropsAdopted, recordAgeMsMax } = this.#options;
    const table = tables[kind].name;
    const { untilMs, sources } = await adoptedRows(this.#db, table);
    const adoptedUntilMs = dropsAdopted && sources.length === 0 ? -Infinity : untilMs;
    const ofManyDays = (await partitionsOf(this.#db, table)).filter(
      ({ isDefault, fromMs, toMs }) => isDefault || (fromMs === -Infinity && toMs > beforeMs),
    );
    for (const { name: leaf } of beforeMs === -Infinity ? [] : ofManyDays) {
      const strays = { kind, leaf, beforeMs, adoptedUntilMs };
      this.#tell(table, await deleteStrays(this.#db, this.#rollups, strays));
    }
    // What is newer than that, maintenance moves to where it belongs.
    await moveStrays(this.#db, this.#pool, kind, beforeMs, dayOf(nowMs - recordAgeMsMax));
  }

  async #empty(leaf: Leaf, reason: DropReason): Promise<boolean> {
    const isEmptied = await emptyLeaf(this.#db, this.#rollups, leaf, reason);
    if (isEmptied) this.#events.dropped(leaf, reason);
    return isEmptied;
  }

  #tell(table: string, rows: number): void {
    if (rows > 0) this.#events.deleted(table, rows);
  }

  /** The oldest days go, one after another, until the rest is small enough. */
  async #keepSmall(nowMs: number, signal: AbortSignal, obstacles: string[]): Promise<void> {
    const { bytesMax } = this.#options;
    // Partitions that could not be emptied.
    const passedBy: string[] = [];
    while (!signal.aborted) {
      const bytes = await totalBytes(this.#db);
      if (bytes <= bytesMax) return;
      const { free, held } = await daysWithRows(this.#db, this.#options, nowMs);
      const next = free.find(({ name }) => !passedBy.includes(name));
      if (!next) {
        obstacles.push(sizeObstacle(bytes, bytesMax, held));
        return;
      }
      await this.#empty(next, 'size').catch((error) => {
        passedBy.push(next.name);
        obstacles.push(errorMessage(error));
      });
    }
  }
}

/** Why old rows stay that somebody could do something about; adopted ones are meant to. */
function heldReasons(held: readonly Leaf[]): string[] {
  const reasons: Partial<Record<Hold, string>> = {
    'not dropped yet':
      'adopted rows are kept until "gravitas-telemetry legacy drop" has compared them with the older tables',
    'of another role':
      'partitions belong to another role: run "gravitas-telemetry retention" as the role that owns the tables',
  };
  return [...new Set(held.map(({ hold }) => hold))].flatMap((hold) => {
    const reason = hold && reasons[hold];
    return reason ? [reason] : [];
  });
}
