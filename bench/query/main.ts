import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DatabaseService } from '../../src/database/database-service.ts';
import { EmbeddedPostgres } from '../../src/postgres/embedded/server.ts';
import { testConfig } from '../../test/support/config.ts';
import { databaseUrl } from '../../test/support/database.ts';
import { silentLogger } from '../../test/support/logger.ts';
import { spawnCollector } from '../../test/support/process.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { generate } from './generate.ts';
import { questions } from './questions.ts';

/** How long the questions of dashboards take, over HTTP, warm. Prints a table in Markdown. */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    usage: { type: 'string', default: '1000000' },
    days: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '7' },
  },
});
const amount = {
  events: Number(values.events),
  usage: Number(values.usage),
  days: Number(values.days),
};

const directory = temporaryDirectory();
const postgres = await EmbeddedPostgres.start(join(directory.path, 'data'), silentLogger);
const url = databaseUrl(postgres.connection.host as string, 'postgres');
try {
  await fill();
  const collector = await spawnCollector({ DATABASE_URL: url, TELEMETRY_QUERY_MS_MAX: '60000' });
  try {
    await ask(collector.baseUrl);
  } finally {
    await collector.end('SIGTERM');
  }
} finally {
  await postgres.stop();
  directory.remove();
}

async function fill(): Promise<void> {
  const database = await DatabaseService.open(testConfig({ DATABASE_URL: url }), silentLogger);
  await database.migrate();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await generate(database, client, amount, Number(values.seed));
  await client.end();
  await database.close();
}

async function ask(baseUrl: string): Promise<void> {
  console.log(
    `${amount.events.toLocaleString('en')} events, ${amount.usage.toLocaleString('en')} usage records, ${amount.days} days\n`,
  );
  console.log('| question | p50, ms | p95, ms | by |\n| --- | ---: | ---: | --- |');
  for (const [name, question] of Object.entries(questions)) {
    const { times, by } = await timed(`${baseUrl}/v1/telemetry/${question}`);
    const at = (share: number) => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
    console.log(`| ${name} | ${at(0.5)} | ${at(0.95)} | ${by} |`);
  }
}

/** Milliseconds in order, after one that warms up; and what has answered. */
async function timed(address: string): Promise<{ times: number[]; by: string }> {
  const times: number[] = [];
  let by = '';
  for (let round = 0; round <= Number(values.rounds); round++) {
    const begun = performance.now();
    const response = await fetch(address);
    const body = (await response.json()) as { source?: { kind?: string }; message?: string };
    if (response.status !== 200) throw new Error(`${address}: ${body.message}`);
    if (round > 0) times.push(performance.now() - begun);
    by = body.source?.kind ?? 'rows';
  }
  return { times: times.sort((a, b) => a - b), by };
}
