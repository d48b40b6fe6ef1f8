import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { create } from '@bufbuild/protobuf';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { EventSchema } from '../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type EncodedBatch, encodeBatch } from '../src/accept/encode-batch.ts';
import { DatabaseService } from '../src/database/database-service.ts';
import { EmbeddedPostgres } from '../src/postgres/embedded/server.ts';
import { mergeNoted, settle } from '../src/rollup/merge.ts';
import { dayMs, hourMs } from '../src/units.ts';
import { createCommitter } from '../test/support/committer.ts';
import { testConfig } from '../test/support/config.ts';
import { databaseUrl, type TestDatabase } from '../test/support/database.ts';
import { silentLogger } from '../test/support/logger.ts';
import { spawnCollector } from '../test/support/process.ts';
import { rollupWork } from '../test/support/rollup-work.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { cpuSeconds } from './support/cpu.ts';
import { type BenchEvent, generateEvents } from './support/events.ts';
import { median } from './support/statistics.ts';

/**
 * What it costs to roll up events that come at a steady rate, in batches of 1,000, in processor time
 * of Node and of PostgreSQL; and how old the oldest record is meanwhile that waits to be folded.
 * Prints a line of JSON for each.
 */
const { values } = parseArgs({
  options: {
    'events-per-second': { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    /** Of the events; 0: those of the other benches. */
    components: { type: 'string', default: '0' },
  },
});
const rate = Number(values['events-per-second']);
const seconds = Number(values.seconds);
const components = Number(values.components);
const batchRows = 1000;
/** As the job of a collector does. */
const foldEverySeconds = 2.5;
const mergeEverySeconds = 30;

const batches = Array.from({ length: Math.max(8, components / batchRows) }, (_, at) =>
  generateEvents(batchRows, at, components),
);

const directory = temporaryDirectory();
const postgres = await EmbeddedPostgres.start(join(directory.path, 'data'), silentLogger);
const url = databaseUrl(postgres.connection.host as string, 'postgres');
const pool = new pg.Pool({ connectionString: url, max: 2 });
pool.on('error', () => {});
try {
  const database = await DatabaseService.open(testConfig({ DATABASE_URL: url }), silentLogger);
  await database.migrate();
  await database.close();
  console.log(JSON.stringify(await shareOfACore()));
  console.log(JSON.stringify(await freshAge()));
} finally {
  await pool.end();
  await postgres.stop();
  directory.remove();
}

/** As the job of a collector works, without waiting for the time to pass. */
async function shareOfACore() {
  const database = { url, pool } as TestDatabase;
  const { committer, end } = createCommitter(database, 'callers');
  const work = rollupWork(database, 50_000);
  const spent = { foldNode: 0, foldPostgres: 0, mergeNode: 0, mergePostgres: 0 };
  const measured = async (part: 'fold' | 'merge', task: () => Promise<unknown>) => {
    const [node, server] = [process.cpuUsage(), await rollupSeconds()];
    await task();
    const { user, system } = process.cpuUsage(node);
    spent[`${part}Node`] += (user + system) / 1e6;
    spent[`${part}Postgres`] += (await rollupSeconds()) - server;
  };
  const rounds = Math.round(seconds / foldEverySeconds);
  for (let round = 1; round <= rounds; round++) {
    const loads = (rate * foldEverySeconds) / batchRows;
    for (let sent = 0; sent < loads; sent++) {
      const batch = encoded(batches[(round * loads + sent) % batches.length] as BenchEvent[]);
      await committer.commit({ id: uuidv7(), batches: [batch] });
    }
    await measured('fold', work.fold);
    if (round % Math.round(mergeEverySeconds / foldEverySeconds) !== 0) continue;
    await pool.query(`update rollup_merges set noted_at = noted_at - interval '1 hour'`);
    await measured('merge', async () => {
      while (await mergeNoted(work.writer));
    });
  }
  // A quarter hour that has ended becomes a part of its hour and day.
  await pool.query(`
    update rollup_state set settled_at = settled_at - interval '1 hour';
    update event_rollup_quarter set bucket = bucket - interval '1 hour'`);
  const settling = { ...spent };
  await measured('merge', () => settle(work.writer));
  const settleSeconds =
    spent.mergeNode + spent.mergePostgres - settling.mergeNode - settling.mergePostgres;
  await Promise.all([end(), work.end()]);
  const percent = (cpuSeconds: number) => Number(((100 * cpuSeconds) / seconds).toFixed(2));
  return {
    events_per_second: rate,
    fold_node_percent: percent(settling.foldNode),
    fold_postgres_percent: percent(settling.foldPostgres),
    merge_percent: percent(settling.mergeNode + settling.mergePostgres),
    settle_seconds_a_quarter_hour: Number(settleSeconds.toFixed(2)),
  };
}

/** Processor seconds of the connections of rollups. */
async function rollupSeconds(): Promise<number> {
  const { rows } = await pool.query(
    `select pid from pg_stat_activity where application_name = 'test rollups'`,
  );
  return rows.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
}

function encoded(events: readonly BenchEvent[]): EncodedBatch {
  const messages = events.map(({ event_type: eventType, ...event }) =>
    create(EventSchema, { eventType, ...event }),
  );
  return encodeBatch(
    { batchId: uuidv7(), events: messages, usage: [] },
    {
      eventTime: { ageMsMax: dayMs, aheadMsMax: hourMs },
      batchIdTime: { ageMsMax: dayMs, aheadMsMax: hourMs },
    },
  );
}

/** Beside a collector that takes as many. */
async function freshAge() {
  const collector = await spawnCollector({ DATABASE_URL: url });
  const ages: number[] = [];
  const bodies = batches.map((events) => JSON.stringify({ events }));
  const [begun, everyMs] = [performance.now(), (1000 * batchRows) / rate];
  const posts: Promise<number>[] = [];
  for (let sent = 0; performance.now() - begun < 1000 * seconds; sent++) {
    posts.push(post(collector.baseUrl, bodies[sent % bodies.length] as string));
    if (sent % 5 === 0) {
      const { rows } = await pool.query(`
        select coalesce(extract(epoch from clock_timestamp() - min(written_at)), 0)::float8 as age
        from rollup_fresh`);
      ages.push(rows[0].age);
    }
    await sleep(Math.max(0, begun + (sent + 1) * everyMs - performance.now()));
  }
  const took = (performance.now() - begun) / 1000;
  const stored = (await Promise.all(posts)).filter((status) => status === 200).length * batchRows;
  await collector.end('SIGTERM');
  return {
    events_per_second: Math.round(stored / took),
    fresh_age_median_s: Number(median(ages).toFixed(1)),
    fresh_age_max_s: Number(Math.max(...ages).toFixed(1)),
  };
}

async function post(baseUrl: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${baseUrl}/v1/telemetry/batch`, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.status;
}
