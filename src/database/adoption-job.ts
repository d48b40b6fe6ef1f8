import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import {
  type AdoptionOptions,
  type AdoptionState,
  adoptionStates,
  adoptLegacyRows,
} from './adoption.ts';
import { dataTables } from './expected-tables.ts';
import { createKysely } from './kysely.ts';
import type { Persistence } from './persistence.ts';

const lookEveryMs = 5000;
const lookWhileCopyingEveryMs = 1000;

/** Copies the rows of older tables in the background, and says how far it is. */
export class AdoptionJob {
  readonly #pool: pg.Pool;
  readonly #options: AdoptionOptions;
  readonly #persistence: Persistence;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #rows: Gauge<'table' | 'state'>;

  constructor(
    pool: pg.Pool,
    options: AdoptionOptions,
    persistence: Persistence,
    health: Health,
    logger: Logger,
    registry: Registry,
  ) {
    this.#pool = pool;
    this.#options = options;
    this.#persistence = persistence;
    this.#health = health;
    this.#logger = logger;
    this.#rows = new Gauge({
      name: 'telemetry_adoption_rows',
      aggregator: 'max',
      help: 'Rows of older tables: copied, refused by PostgreSQL, or left to copy.',
      labelNames: ['table', 'state'],
      registers: [registry],
    });
    this.#tell([]);
  }

  /** Resolves when the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const db = createKysely(this.#pool);
    const copy = () => adoptLegacyRows(db, this.#options, this.#logger, signal);
    let copying: Promise<void> | undefined;
    while (!this.#persistence.ended) {
      // Another collector may have set a table aside, or be copying too.
      const states = await adoptionStates(db).catch(() => []);
      this.#tell(states);
      const isUnderWay = states.some(({ finished_at }) => !finished_at);
      if (isUnderWay) {
        copying ??= this.#persistence.untilDone('adoption', copy).finally(() => {
          copying = undefined;
        });
      }
      const isSoon = isUnderWay || !this.#health.isWell('tables');
      await this.#persistence.pause(isSoon ? lookWhileCopyingEveryMs : lookEveryMs);
    }
    await copying;
  }

  #tell(states: readonly AdoptionState[]): void {
    for (const table of dataTables) {
      for (const state of ['copied', 'refused', 'left']) this.#rows.set({ table, state }, 0);
    }
    for (const { target: table, rows_total, rows_copied, rows_refused } of states) {
      const left = Math.max(0, (rows_total ?? 0) - rows_copied - rows_refused);
      this.#rows.inc({ table, state: 'copied' }, rows_copied);
      this.#rows.inc({ table, state: 'refused' }, rows_refused);
      this.#rows.inc({ table, state: 'left' }, left);
    }
    const under = states.filter(({ finished_at }) => !finished_at).map(progress);
    this.#health.report('older tables', under.length > 0 ? under.join('; ') : undefined, false);
  }
}

function progress({ source, rows_total, rows_copied, obstacle }: AdoptionState): string {
  return obstacle ?? `${rows_copied} of ${rows_total ?? 'the'} rows of ${source} are copied`;
}
