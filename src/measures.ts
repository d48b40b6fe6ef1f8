import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { isSegment } from './buffer/spool/files.ts';
import { countDeadLetters } from './commit/dead-letters.ts';
import type { Config } from './config.ts';
import type { Database } from './database/schema.ts';
import { gaugesOf } from './observe/gauge.ts';
import type { Health } from './observe/health.ts';
import { secondMs } from './units.ts';

/** How long a scrape waits for the database. */
const patienceMs = 500;

/** What no part of the collector knows by itself: of the process, its disk and its database. */
export function measureService(
  { dataDirectory }: Pick<Config, 'dataDirectory'>,
  spoolDirectories: readonly string[],
  db: Kysely<Database>,
  health: Health,
  registry: Registry,
  version: string,
): void {
  measureProcess(registry);
  const gauge = gaugesOf(registry);
  new Gauge({
    name: 'telemetry_build_info',
    help: 'Always 1: the release of the collector and of its Node.',
    labelNames: ['version', 'node_version'],
    aggregator: 'first',
    registers: [registry],
  }).set({ version, node_version: process.versions.node }, 1);
  gauge(
    'telemetry_database_up',
    'Whether the database answers: 1, or 0.',
    () => (health.isWell('database') ? 1 : 0),
    'min',
  );
  gauge(
    'telemetry_disk_free_bytes',
    'Free disk where the spool is.',
    () => freeBytes(dataDirectory),
    'min',
  );
  gauge(
    'telemetry_spool_oldest_age_seconds',
    'Age of the oldest record that waits in the spool; 0 without any.',
    async () => Math.max(...(await Promise.all(spoolDirectories.map(oldestAgeSeconds)))),
    'max',
  );
  gauge(
    'telemetry_dead_letters_waiting',
    'Rows that PostgreSQL refused and nobody has replayed or dropped; NaN before the database has said.',
    waitingDeadLetters(db),
    'max',
  );
}

/** Named as counters, which they are not: Prometheus' own check refuses them. */
const misnamed = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

function measureProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
}

/** NaN while the directory can't be looked at: all other metrics are told all the same. */
const freeBytes = (directory: string): Promise<number> =>
  statfs(directory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.NaN,
  );

/** By when the oldest segment was made: its first record came then. */
async function oldestAgeSeconds(directory: string): Promise<number> {
  try {
    const [oldest] = (await readdir(directory)).filter(isSegment).toSorted();
    if (oldest === undefined) return 0;
    const { size, birthtimeMs } = await stat(join(directory, oldest));
    return size === 0 ? 0 : Math.max(0, Date.now() - birthtimeMs) / secondMs;
  } catch {
    // Drained between the two looks.
    return 0;
  }
}

/** What the database said last: it is asked once at a time, and a scrape does not wait for long. */
function waitingDeadLetters(db: Kysely<Database>): () => Promise<number> {
  let known = Number.NaN;
  let asking: Promise<void> | undefined;
  return async () => {
    asking ??= countDeadLetters(db)
      .then(
        (count) => {
          known = Number(count);
        },
        () => {},
      )
      .finally(() => {
        asking = undefined;
      });
    await Promise.race([asking, sleep(patienceMs, undefined, { ref: false })]);
    return known;
  };
}
