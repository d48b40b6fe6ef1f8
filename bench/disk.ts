import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createRollupWriter } from '../src/commit/rollup-writer.ts';
import { DatabaseService } from '../src/database/database-service.ts';
import { createKysely } from '../src/database/kysely.ts';
import { ensurePartitions } from '../src/database/partitions.ts';
import { EmbeddedPostgres } from '../src/postgres/embedded/server.ts';
import { createRollups } from '../src/rollup/create-rollups.ts';
import { rebuild } from '../src/rollup/rebuild.ts';
import { levels, shapes } from '../src/rollup/shapes.ts';
import { dayMs } from '../src/units.ts';
import { testConfig } from '../test/support/config.ts';
import { databaseUrl } from '../test/support/database.ts';
import { silentLogger } from '../test/support/logger.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';

/**
 * What events take on the disk, and what each level of their rollups does: events of 100 components,
 * 20 types and 3 statuses, few of which are most of them, spread evenly over the days. Prints a
 * table in Markdown.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    days: { type: 'string', default: '60' },
  },
});
const [rows, days] = [Number(values.rows), Number(values.days)];

const directory = temporaryDirectory();
const postgres = await EmbeddedPostgres.start(join(directory.path, 'data'), silentLogger);
const url = databaseUrl(postgres.connection.host as string, 'postgres');
const pool = new pg.Pool({ connectionString: url, max: 2 });
pool.on('error', () => {});
try {
  const database = await DatabaseService.open(testConfig({ DATABASE_URL: url }), silentLogger);
  await database.migrate();
  await fill(database);
  const secondsRolling = await rollUp(database);
  await database.close();
  await report(secondsRolling);
} finally {
  await pool.end();
  await postgres.stop();
  directory.remove();
}

/** Rows as a collector stores them, a day at a time. */
async function fill(database: DatabaseService): Promise<void> {
  const toMs = Math.floor(Date.now() / dayMs) * dayMs;
  const window = { fromMs: toMs - days * dayMs, toMs: toMs - 1 };
  await ensurePartitions(database.upkeepDb, { table: 'system_telemetry', ...window });
  for (let ms = window.fromMs; ms < toMs; ms += dayMs) {
    await pool.query(
      `insert into system_telemetry (
         id, "timestamp", observed_at, event_type, component, value, metadata, status, rolled)
       select gen_random_uuid(), at, at, 'EVENT_TYPE_' || floor(20 * random() ^ 3),
         'component-' || floor(100 * random() ^ 3), exp(3 * random() + 3 * random()),
         jsonb_build_object('model', 'qwen2.5-coder-7b', 'inference_time_ms', floor(20000 * random()),
           'tokens_generated', floor(900 * random()), 'prompt_tokens', floor(4000 * random()),
           'total_tokens', floor(4900 * random())),
         case when random() < 0.9 then 'OK' when random() < 0.7 then 'WARNING' else 'ERROR' end, true
       from (select $1::timestamptz + n * interval '1 day' / $2::int as at
         from generate_series(0, $2::int - 1) as n) as times`,
      [new Date(ms), Math.round(rows / days)],
    );
  }
}

/** Resolves with the seconds that it took. */
async function rollUp(database: DatabaseService): Promise<number> {
  const { series } = createRollups(database.rollups, 100_000);
  const db = createKysely(database.rollups);
  await pool.query('update rollup_state set settled_at = now()');
  const begun = performance.now();
  await rebuild(db, createRollupWriter(database.rollups), series, {});
  return (performance.now() - begun) / 1000;
}

async function report(secondsRolling: number): Promise<void> {
  const events = shapes.find(({ kind }) => kind === 'event');
  const tables = ['system_telemetry', ...levels.map((level) => events?.levelTables[level] ?? '')];
  console.log('| table | rows | table, MB | indexes, MB |\n| --- | ---: | ---: | ---: |');
  for (const table of tables) {
    const { rows: found } = await pool.query(
      `select (select count(*) from ${table})::int as rows,
         sum(pg_table_size(relid))::float8 / 1e6 as mb,
         sum(pg_indexes_size(relid))::float8 / 1e6 as "indexMb"
       from (
         select relid from pg_partition_tree($1::regclass) where isleaf
         union select $1::regclass
       ) as parts`,
      [table],
    );
    const { rows: count, mb, indexMb } = found[0];
    console.log(
      `| \`${table}\` | ${count.toLocaleString('en')} | ${mb.toFixed(0)} | ${indexMb.toFixed(0)} |`,
    );
  }
  console.log(`\n${rows.toLocaleString('en')} events rolled up in ${secondsRolling.toFixed(0)} s`);
}
