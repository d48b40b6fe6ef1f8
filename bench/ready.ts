import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { runningServer } from '../src/postgres/embedded/server.ts';
import { freePort } from '../test/support/free-port.ts';
import { postJson } from '../test/support/http.ts';
import { type CollectorProcess, spawnCollector } from '../test/support/process.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';

/**
 * How long a collector with its embedded PostgreSQL takes, from its start on, until it listens,
 * until it is ready, and until the first record is committed. Prints one JSON line for each start.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    /** In the tables before the start with many. */
    rows: { type: 'string', default: '10000000' },
    'events-per-second': { type: 'string', default: '5000' },
    /** Of load before a kill, and through a start. */
    'load-seconds': { type: 'string', default: '10' },
  },
});
const rounds = Number(values.rounds);
const loadMs = 1000 * Number(values['load-seconds']);
const batchRows = 50;
const batchEveryMs = (1000 * batchRows) / Number(values['events-per-second']);

const directory = temporaryDirectory();
const port = await freePort();
const env = (data: string) => ({
  DATABASE_URL: '',
  TELEMETRY_DATA_DIR: join(directory.path, data),
  TELEMETRY_PORT: String(port),
});

/** When something was logged, on the clock of this machine. */
function loggedAt({ logs }: CollectorProcess, message: RegExp): number {
  return logs.map((line) => JSON.parse(line)).find(({ msg }) => message.test(msg))?.time;
}

/** Starts a collector; `commits` says when the first record was committed. */
async function start(data: string, commits = firstCommit): Promise<CollectorProcess & Times> {
  const startedAt = Date.now();
  const [collector, committedAt] = await Promise.all([spawnCollector(env(data)), commits()]);
  return {
    ...collector,
    times: {
      listening_ms: loggedAt(collector, /^listening/) - startedAt,
      ready_ms: loggedAt(collector, /^ready/) - startedAt,
      committed_ms: committedAt - startedAt,
    },
  };
}

interface Times {
  readonly times: Readonly<Record<string, number>>;
}

async function firstCommit(): Promise<number> {
  const post = () =>
    postJson(`http://127.0.0.1:${port}/v1/telemetry/log`, { event_type: 'FIRST' }).then(
      ({ body }) => body.durability,
      () => 'not yet',
    );
  while ((await post()) !== 'DURABILITY_COMMITTED') await sleep(5);
  return Date.now();
}

/** Batches at a steady pace, whatever becomes of them. */
function keepSending() {
  const counts = { committed: 0, spooled: 0, refused: 0 };
  const firstCommitted = Promise.withResolvers<number>();
  const events = Array.from({ length: batchRows }, (_, value) => ({ event_type: 'LOAD', value }));
  const send = async () => {
    try {
      const { body } = await postJson(`http://127.0.0.1:${port}/v1/telemetry/batch`, { events });
      if (body.durability === 'DURABILITY_COMMITTED') {
        counts.committed += batchRows;
        firstCommitted.resolve(Date.now());
      } else counts[body.durability === 'DURABILITY_SPOOLED' ? 'spooled' : 'refused'] += batchRows;
    } catch {
      counts.refused += batchRows;
    }
  };
  const timer = setInterval(send, batchEveryMs);
  return { counts, firstCommitted: firstCommitted.promise, stop: () => clearInterval(timer) };
}

async function fill(data: string, rows: number): Promise<void> {
  const client = new pg.Client(runningServer(join(directory.path, data)) as pg.ClientConfig);
  await client.connect();
  await client.query(
    `insert into system_telemetry (event_type, component, value, metadata, status, "timestamp")
     select 'THOUGHT_LATENCY', 'component-' || n % 100, n, '{"tokens_generated":7}', 'OK',
       now() - interval '29 days' * (n::float8 / $1)
     from generate_series(1, $1::int) as n`,
    [rows],
  );
  await client.query('checkpoint');
  await client.end();
}

/** Neither the collector nor its server gets a word in. */
async function killBoth(collector: CollectorProcess, data: string): Promise<void> {
  const pidFile = join(directory.path, data, 'postgresql-18', 'postmaster.pid');
  const server = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  process.kill(server, 'SIGKILL');
  await collector.end('SIGKILL');
}

const report = (what: string, { times }: Times, more = {}) =>
  console.log(JSON.stringify({ start: what, ...times, ...more }));

for (let round = 1; round <= rounds; round++) {
  const first = await start(`new-${round}`);
  report('the first, on an empty directory', first);
  await first.end('SIGTERM');
}

const data = 'many';
const filling = await start(data);
await fill(data, Number(values.rows));
await filling.end('SIGTERM');
for (let round = 1; round <= rounds; round++) {
  const again = await start(data);
  report('with many rows', again, { rows: Number(values.rows) });
  const load = keepSending();
  await sleep(loadMs);
  load.stop();
  await killBoth(again, data);
  const recovered = await start(data);
  report('after SIGKILL of collector and PostgreSQL under load', recovered, load.counts);
  await recovered.end('SIGTERM');

  const sending = keepSending();
  const busy = await start(data, () => sending.firstCommitted);
  await sleep(loadMs);
  sending.stop();
  report('under load', busy, { ...sending.counts, load_seconds: loadMs / 1000 });
  await busy.end('SIGTERM');
}
directory.remove();
