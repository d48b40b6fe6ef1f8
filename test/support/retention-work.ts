import { createKysely } from '../../src/database/kysely.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import type { RetentionOptions } from '../../src/retention/options.ts';
import { Retention } from '../../src/retention/retention.ts';
import { dayMs } from '../../src/units.ts';
import type { TestDatabase } from './database.ts';
import { rollupWork } from './rollup-work.ts';

const never = new AbortController().signal;

const defaultRetention: RetentionOptions = {
  rowDays: { event: 60, usage: 60 },
  levelDays: { quarter: 180, hour: 730, day: 1830 },
  deadLetterDays: 365,
  auditDays: 730,
  bytesMax: Infinity,
  dropsAdopted: false,
  recordAgeMsMax: 30 * dayMs,
};

/** What the job of a collector does, a pass at a time. */
export function retentionWork(database: TestDatabase) {
  const work = rollupWork(database);
  const dropped: string[] = [];
  const deleted: string[] = [];
  return {
    work,
    /** `system_telemetry -70 age`: by the day, from today. */
    dropped,
    deleted,
    run: async (options: Partial<RetentionOptions> = {}, oursMs = Date.now()) => {
      const retention = new Retention(
        work.pool,
        work,
        { ...defaultRetention, ...options },
        {
          dropped: ({ name }, reason) => dropped.push(`${name} ${reason}`),
          deleted: (table, rows) => deleted.push(`${table} ${rows}`),
        },
      );
      return await retention.run(never, oursMs);
    },
    end: work.end,
  };
}

/** Partitions of both tables of so many days back. */
export async function makeDays(database: TestDatabase, days: number): Promise<void> {
  const db = createKysely(database.pool);
  const window = { fromMs: Date.now() - days * dayMs, toMs: Date.now() };
  for (const table of ['system_telemetry', 'usage_stats'] as const) {
    await ensurePartitions(db, { table, ...window });
  }
}

/** The name of the partition of a day so many days ago. */
export function leafOf(table: string, daysAgo: number): string {
  const day = new Date(Date.now() - daysAgo * dayMs).toISOString().slice(0, 10);
  return `${table}_${day.replaceAll('-', '')}`;
}

/** An event for each of some days ago, as other services insert them. */
export async function insertDays(database: TestDatabase, ...daysAgo: number[]): Promise<void> {
  await database.rows(
    `insert into system_telemetry (event_type, component, value, "timestamp")
      select 'AGED', 'old', days, now() - days * interval '1 day' from unnest($1::int[]) as days`,
    [daysAgo],
  );
}
