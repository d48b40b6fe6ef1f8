import { type Kysely, sql } from 'kysely';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import { margin } from './series.ts';
import { type Shape, shapes } from './shapes.ts';

/** What is told of rollups, of one collector or of all. */
export class RollupMetrics {
  readonly folded: Counter;
  readonly swept: Counter<'table'>;
  readonly #freshAge: Gauge;
  readonly #freshRecords: Gauge;
  readonly #series: Gauge<'table'>;
  readonly #rest: Gauge<'table'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.folded = new Counter({
      name: 'telemetry_rollup_folded_records_total',
      help: 'Records that this collector has moved from fresh rows into rollups.',
      registers,
    });
    this.swept = new Counter({
      name: 'telemetry_rollup_swept_records_total',
      help: 'Records of other writers that this collector has claimed for rollups.',
      labelNames: ['table'],
      registers,
    });
    this.#freshAge = new Gauge({
      name: 'telemetry_rollup_fresh_age_seconds',
      aggregator: 'max',
      help: 'Age of the oldest record that waits to be rolled up; queries count those too.',
      registers,
    });
    this.#freshRecords = new Gauge({
      name: 'telemetry_rollup_fresh_records',
      aggregator: 'max',
      help: 'Records that wait to be rolled up.',
      registers,
    });
    this.#series = new Gauge({
      name: 'telemetry_rollup_series',
      aggregator: 'max',
      help: 'Combinations of dimensions that are rolled up by themselves.',
      labelNames: ['table'],
      registers,
    });
    this.#rest = new Gauge({
      name: 'telemetry_rollup_rest_records',
      aggregator: 'max',
      help: 'Records whose combination came when there were too many: questions about dimensions ask the rows for them.',
      labelNames: ['table'],
      registers,
    });
    for (const { kind } of shapes) {
      for (const metric of [this.#series, this.#rest]) metric.set({ table: tables[kind].name }, 0);
      this.swept.inc({ table: tables[kind].name }, 0);
    }
  }

  /** Looks at what waits; resolves with how long the oldest has, in seconds. */
  async lookAtFresh(db: Kysely<Database>): Promise<number> {
    const { rows } = await sql<{ age: number; records: number }>`
      select coalesce(extract(epoch from clock_timestamp() - min(written_at)), 0)::float8 as age,
        coalesce(sum(events), 0)::bigint as records
      from rollup_fresh`.execute(db);
    const { age = 0, records = 0 } = rows[0] ?? {};
    this.#freshAge.set(age);
    this.#freshRecords.set(records);
    return age;
  }

  /** Looks at how many series there are, and what has none. */
  async lookAtSeries(db: Kysely<Database>): Promise<void> {
    for (const shape of shapes) await this.#lookAtSeries(db, shape);
  }

  async #lookAtSeries(db: Kysely<Database>, shape: Shape): Promise<void> {
    const { kind, seriesTable, levelTables, count } = shape;
    const series = sql.table(seriesTable);
    const { rows } = await sql<{ series: number; rest: number }>`
      select (select count(*) from ${series} where margin = ${margin.series}) as series, coalesce((
        select sum(${sql.ref(count)}) from ${sql.table(levelTables.quarter)}
        where series = (select id from ${series} where margin = ${margin.rest})
      ), 0)::bigint as rest`.execute(db);
    const table = tables[kind].name;
    this.#series.set({ table }, rows[0]?.series ?? 0);
    this.#rest.set({ table }, rows[0]?.rest ?? 0);
  }
}
