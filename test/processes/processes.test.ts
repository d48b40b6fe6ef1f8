import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const count = 3;
/** Each start is one of several processes, on a machine that may be busy. */
const slowMsMax = 120_000;
vi.setConfig({ testTimeout: slowMsMax, hookTimeout: slowMsMax });
const directory = temporaryDirectory();
const dataDirectory = join(directory.path, 'data');
let database: TestDatabase;
let collector: CollectorProcess;
let env: Record<string, string>;

beforeAll(async () => {
  database = await createDatabase();
  env = {
    DATABASE_URL: database.url,
    TELEMETRY_DATA_DIR: dataDirectory,
    TELEMETRY_PROCESSES: String(count),
    TELEMETRY_ANONYMOUS_SCOPES: 'ingest,query,admin',
    TELEMETRY_UNARY_MS_MAX: '20000',
    TELEMETRY_SHUTDOWN_MS_MAX: '20000',
  };
  collector = await spawnCollector(env);
});
afterAll(async () => {
  await collector.end('SIGKILL');
  await database.drop();
  directory.remove();
});

interface Line {
  readonly process?: number;
  readonly pid: number;
  readonly msg: string;
}

/** Of the latest of each number. */
function pidsOf({ logs }: CollectorProcess): Map<number, number> {
  const lines = logs.filter((line) => line.startsWith('{')).map((line): Line => JSON.parse(line));
  const listening = lines.filter(({ msg, process }) => msg === 'listening' && process);
  return new Map(listening.map(({ process, pid }) => [process as number, pid]));
}

/** Over a connection of its own each, so that every process has some. */
async function post(value: number) {
  const response = await fetch(`${collector.baseUrl}/v1/telemetry/log`, {
    signal: AbortSignal.timeout(slowMsMax),
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ event_type: 'POSTED', component: 'L1', value }),
  });
  return { status: response.status, body: await response.json() };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const values = async () =>
  (await database.rows<{ value: number }>('select value from system_telemetry order by value')).map(
    ({ value }) => value,
  );
let posted = 0;

it('takes posts by all of them, and counts them as one', async () => {
  const answers = await Promise.all(range(0, 30).map((value) => post(value)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  posted = 30;
  const { body } = await postJson(
    `${collector.baseUrl}/gravitas.telemetry.v1.QueryService/GetService`,
    {},
  );
  const taken = body.collectors.map(({ ledger }: { ledger: Record<string, string> }) =>
    Number(ledger.received ?? 0),
  );
  expect(taken).toHaveLength(count);
  expect(Math.min(...taken)).toBeGreaterThan(0);
  expect(taken.reduce((sum: number, each: number) => sum + each)).toBe(30);
  await expect.poll(async () => (await accountOf(collector.baseUrl)).stored).toBe(posted);
  const account = await accountOf(collector.baseUrl);
  expect(account).toMatchObject({ received: posted, pending: 0 });
  expect(imbalance(account)).toBe(0);
  expect(await metric(collector.baseUrl, 'telemetry_database_up')).toBe(1);
});

it('revokes a key for all of them at once', async () => {
  const admin = `${collector.baseUrl}/gravitas.telemetry.v1.KeyService`;
  const { body: made } = await postJson(`${admin}/CreateKey`, {
    name: 'app',
    scopes: ['query', 'admin'],
  });
  const headers = { authorization: `Bearer ${made.secret}`, connection: 'close' };
  const statuses = async () => {
    const url = `${collector.baseUrl}/v1/telemetry/events?limit=1`;
    const answers = await Promise.all(range(0, 6).map(() => fetch(url, { headers })));
    return [...new Set(answers.map(({ status }) => status))];
  };
  expect(await statuses()).toEqual([200]);
  await fetch(`${admin}/RevokeKey`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ nameOrId: 'app' }),
  });
  expect(await statuses()).toEqual([401]);
});

/** Posts until it is taken, as clients do. */
async function deliver(value: number): Promise<void> {
  while ((await post(value).catch(() => ({ status: 0 }))).status !== 200);
}

const signalTo = (number: number, signal: NodeJS.Signals): void => {
  process.kill(pidsOf(collector).get(number) as number, signal);
};

/** Does what ends a process, and resolves when another has its number and all are ready. */
async function untilReplaced(number: number, end: () => Promise<void> | void): Promise<void> {
  const before = pidsOf(collector).get(number);
  await end();
  await expect.poll(() => pidsOf(collector).get(number), { timeout: 60_000 }).not.toBe(before);
  const status = async () => (await getJson(`${collector.baseUrl}/readyz`)).body.status;
  await expect.poll(status, { timeout: 60_000 }).toBe('ready');
}

it('goes on with the others when one is killed, which is started again', async () => {
  const stored = 'telemetry_records_received_total{table="system_telemetry"}';
  expect(await metric(collector.baseUrl, stored)).toBe(posted);
  await untilReplaced(2, async () => {
    const delivered = range(posted, posted + 60).map(async (value, at) => {
      if (at === 20) signalTo(2, 'SIGKILL');
      await deliver(value);
    });
    await Promise.all(delivered);
  });
  // Each may be there twice, being sent without an id; none is missing.
  await expect
    .poll(async () => [...new Set(await values())], { timeout: 30_000 })
    .toEqual(range(0, posted + 60));
  posted += 60;
  const account = await accountOf(collector.baseUrl);
  expect(imbalance(account)).toBe(0);
  expect(account.received).toBeGreaterThanOrEqual(30);
});

it('closes the connection that one had been handed, and not taken, when it was killed', async () => {
  await untilReplaced(2, async () => {
    signalTo(2, 'SIGSTOP');
    const outcomes: string[] = [];
    const posts = range(0, 2 * count).map((value) =>
      post(value).then(
        ({ status }) => outcomes.push(String(status)),
        () => outcomes.push('closed'),
      ),
    );
    // It is handed one, and no other before it has taken that.
    await expect.poll(() => outcomes.length, { timeout: 60_000 }).toBe(2 * count - 1);
    expect(new Set(outcomes)).toEqual(new Set(['200']));
    signalTo(2, 'SIGKILL');
    await Promise.all(posts);
    expect(outcomes.at(-1)).toBe('closed');
  });
});

it('stops one that is told to, and starts it again', async () => {
  await untilReplaced(3, () => signalTo(3, 'SIGTERM'));
  expect((await post(0)).status).toBe(200);
});

it('has totals that do not fall with the one process that has ever been asked for them', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (path: string, body = '') => {
    const headers = { 'content-type': 'application/json' };
    const method = body === '' ? 'GET' : 'POST';
    const request = http.request(`${collector.baseUrl}${path}`, { agent, method, headers });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return await text(response);
  };
  for (const _ of range(0, 10)) await ask('/v1/telemetry/log', '{"event_type":"ASKED"}');
  const totals = await ask('/metrics');
  agent.destroy();
  const series = 'telemetry_records_received_total{table="system_telemetry"}';
  const received = Number(totals.split(`${series} `)[1]?.split('\n')[0]);
  expect(received).toBeGreaterThanOrEqual(10);
  for (const number of range(1, count + 1)) {
    await untilReplaced(number, () => signalTo(number, 'SIGKILL'));
  }
  expect(await metric(collector.baseUrl, series)).toBeGreaterThanOrEqual(received);
  await database.pool.query("delete from system_telemetry where event_type = 'ASKED'");
});

it('stops all within its time, and says so', async () => {
  const pids = [...pidsOf(collector).values()];
  expect(pids).toHaveLength(count);
  expect(await collector.end('SIGTERM')).toBe(0);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  collector = await spawnCollector(env);
});

it('drains what all of them have left, when their supervisor is killed and fewer are started', async () => {
  await database.pool.query('delete from system_telemetry');
  const endOutage = await beginOutage(database);
  const answers = await Promise.all(range(0, 30).map((value) => post(value)));
  expect(new Set(answers.map(({ body }) => body.durability))).toEqual(
    new Set(['DURABILITY_SPOOLED']),
  );
  await collector.end('SIGKILL');
  await endOutage();
  collector = await spawnCollector({ ...env, TELEMETRY_PROCESSES: '1' });
  await expect.poll(values, { timeout: 60_000 }).toEqual(range(0, 30));
  await expect.poll(() => metric(collector.baseUrl, 'telemetry_spool_bytes')).toBe(0);
  expect(await accountOf(collector.baseUrl)).toMatchObject({
    recovered: 30,
    stored: 30,
    pending: 0,
  });
});

it('has what one has left drained where more are started, and takes posts by all of these', async () => {
  const endOutage = await beginOutage(database);
  expect((await post(30)).body.durability).toBe('DURABILITY_SPOOLED');
  await collector.end('SIGKILL');
  await endOutage();
  collector = await spawnCollector(env);
  await expect.poll(values, { timeout: 60_000 }).toEqual(range(0, 31));
  const answers = await Promise.all(range(31, 61).map((value) => post(value)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect([...pidsOf(collector).keys()].toSorted()).toEqual(range(1, count + 1));
});

it('says why it does not start, once', async () => {
  const taken = {
    ...env,
    TELEMETRY_PORT: String(collector.port),
    TELEMETRY_DATA_DIR: `${dataDirectory}-2`,
  };
  const failed = await spawnCollector(taken).catch((error) => error as Error);
  expect(failed).toBeInstanceOf(Error);
  expect((failed as Error).message).toMatch(/^exit 1: /);
  expect((failed as Error).message.match(/"level":60.*TELEMETRY_PORT: .*EADDRINUSE/g)).toHaveLength(
    1,
  );
});
