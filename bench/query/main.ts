import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DatabaseService } from '../../src/database/database-service.ts';
import { EmbeddedPostgres } from '../../src/postgres/embedded/server.ts';
import { testConfig } from '../../test/support/config.ts';
import { databaseUrl } from '../../test/support/database.ts';
import { silentLogger } from '../../test/support/logger.ts';
import { type CollectorProcess, spawnCollector } from '../../test/support/process.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { startLoad } from '../load/child.ts';
import type { StreamResult } from '../load/stream.ts';
import { cpuSeconds, cpuSecondsOfTree } from '../support/cpu.ts';
import { generateAlike } from './alike.ts';
import { besideMs, createViews } from './beside.ts';
import { tellDashboards } from './dashboards.ts';
import { generate } from './generate.ts';
import { pageTimes } from './page.ts';
import { questions } from './questions.ts';
import { at, row, warmTimes } from './report.ts';
import { tailTimes } from './tail.ts';

/** How long what dashboards ask takes, over HTTP, warm. Prints tables in Markdown. */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    usage: { type: 'string', default: '1000000' },
    days: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '20' },
    /** Questions whose names have this in them. */
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '7' },
    /** Days that are copies of the first: for a great many. */
    alike: { type: 'boolean', default: false },
    /** Events a second that are stored meanwhile. */
    ingest: { type: 'string', default: '10000' },
    /** A directory whose database is kept, and asked again as it is where it is there. */
    data: { type: 'string' },
    /** The same in plain SQL on the rows, and on hourly materialised views. */
    beside: { type: 'boolean', default: false },
    /** A stream flat out, by turns alone and while two dashboards ask, every 5 s and without pause. */
    dashboards: { type: 'boolean', default: false },
    /** The dashboard in a browser. */
    page: { type: 'boolean', default: false },
  },
});
const amount = {
  events: Number(values.events),
  usage: Number(values.usage),
  days: Number(values.days),
};
/** A look takes seconds. */
const pageRounds = 5;
const batchRows = 1000;
const batchesMax = 1_000_000;
const besideRounds = 3;

const directory = temporaryDirectory();
const data = values.data ?? join(directory.path, 'data');
const isFilled = existsSync(data);
const postgres = await EmbeddedPostgres.start(data, silentLogger);
const url = databaseUrl(postgres.connection.host as string, 'postgres');
const client = new pg.Client({ connectionString: url });
// Whoever asks next hears of it.
client.on('error', () => {});
await client.connect();
let collector: CollectorProcess | undefined;
// What has been begun is ended, however this ends.
process.on('exit', () => collector?.process.kill('SIGTERM'));
const interrupted = Promise.withResolvers<never>();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.reject(new Error(`ended by ${name}`)));
}
try {
  await Promise.race([measure(), interrupted.promise]);
} finally {
  await collector?.end('SIGTERM');
  await client.end().catch(() => {});
  await postgres.stop();
  directory.remove();
}

async function measure(): Promise<void> {
  if (!isFilled) await fill();
  collector = await spawnCollector({
    DATABASE_URL: url,
    TELEMETRY_QUERY_MS_MAX: '60000',
    // Of a database that is new it would compare all days, at whatever hour of the night this is.
    TELEMETRY_ROLLUP_VERIFY_HOUR: 'off',
  });
  console.log(
    `${amount.events.toLocaleString('en')} events, ${amount.usage.toLocaleString('en')} usage records, ${amount.days} days; ${Number(values.ingest).toLocaleString('en')} events/s meanwhile\n`,
  );
  await tellTail(collector, 'quiet');
  await whileSending(collector, async (asked) => {
    await ask(asked);
    await tellTail(asked, 'meanwhile');
    if (values.page) await look(asked);
  });
  if (values.dashboards) await tellDashboards(collector, Number(values.seed), besideRounds);
}

async function fill(): Promise<void> {
  const database = await DatabaseService.open(testConfig({ DATABASE_URL: url }), silentLogger);
  await database.migrate();
  const make = values.alike ? generateAlike : generate;
  await make(database, client, amount, Number(values.seed));
  await database.close();
}

/** Fails where what is sent does. */
async function whileSending(
  asked: CollectorProcess,
  work: (asked: CollectorProcess) => Promise<void>,
): Promise<void> {
  const batchesPerSecond = Number(values.ingest) / batchRows;
  if (batchesPerSecond === 0) return await work(asked);
  const shape = { connections: 1, batchRows, batches: batchesMax, batchesPerSecond };
  const options = { port: asked.port, ...shape, seed: Number(values.seed) };
  const ended = new AbortController();
  const load = await startLoad<StreamResult>('./stream.ts', options, ended.signal);
  const sending = load.go();
  try {
    await Promise.race([work(asked), sending]);
  } finally {
    ended.abort();
    await sending.catch(() => {});
  }
}

async function ask({ baseUrl, process: { pid } }: CollectorProcess): Promise<void> {
  const cpu = () => cpuSecondsOfTree(postgres.pid as number) + cpuSeconds(pid as number);
  const isBeside = values.beside;
  if (isBeside) console.log(`hourly views: ${(await createViews(client)).toFixed(1)} s\n`);
  const more = isBeside ? ['rows, ms', 'hourly views, ms'] : [];
  console.log(row(['question', 'p50, ms', 'p95, ms', 'wanted', 'processor, ms', 'by', ...more]));
  console.log(row(['---', '---:', '---:', '---:', '---:', '---', ...more.map(() => '---:')]));
  for (const [name, question] of Object.entries(questions)) {
    if (!name.includes(values.only)) continue;
    const address = `${baseUrl}/v1/telemetry/${question.ask}`;
    const { times, cpuMs, by } = await warmTimes(address, Number(values.rounds), cpu);
    const others = isBeside
      ? [await besideMs(client, question, 'rows'), await besideMs(client, question, 'hourly')]
      : [];
    const told = others.map((ms) => ms?.toFixed(1) ?? '');
    const figures = [at(times, 0.5), at(times, 0.95), question.wantedMs ?? '', cpuMs.toFixed(1)];
    console.log(row([name, ...figures, by, ...told]));
  }
}

async function tellTail({ baseUrl }: CollectorProcess, when: string): Promise<void> {
  const times = await tailTimes(baseUrl, Number(values.rounds));
  console.log(`\nTail, ${when}: p50 ${at(times, 0.5)} ms, p95 ${at(times, 0.95)} ms\n`);
}

async function look({ baseUrl }: CollectorProcess): Promise<void> {
  console.log(row(['view', 'first useful, ms', 'complete, ms', 'interaction, ms']));
  console.log(row(['---', '---:', '---:', '---:']));
  for (const { view, useful, complete, interaction } of await pageTimes(baseUrl, pageRounds)) {
    const [first, all, input] = [useful, complete, interaction].map(
      (times) => `${at(times, 0.5)} (${at(times, 1)})`,
    );
    console.log(row([view, first as string, all as string, input as string]));
  }
}
