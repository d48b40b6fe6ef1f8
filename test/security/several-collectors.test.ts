import { afterAll, beforeAll, expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { beginOutage } from '../support/outage.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { keyAdmin } from './callers.ts';

/** What the others may take to hear of a change. */
const heardMs = 5000;

let database: TestDatabase;
let collectors: TestCollector[];
let root: string;
const directories = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];

beforeAll(async () => {
  database = await createDatabase();
  const key = { name: 'root', scopes: ['admin'] };
  root = (await keyAdmin(database).create({ name: 'a test' }, key)).secret;
  collectors = await Promise.all(directories.map(({ path }) => start(path)));
});
afterAll(async () => {
  await Promise.all(collectors.map((collector) => collector.stop()));
  await database.drop();
});

const start = (path: string) => startCollector({ TELEMETRY_DATA_DIR: `${path}/data` }, database);

const change = async (collector: TestCollector | undefined, method: string, body: object) => {
  const url = `${collector?.baseUrl}/gravitas.telemetry.v1.KeyService/${method}`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${root}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return { status: response.status, body: (await response.json()) as any };
};

const post = async ({ baseUrl }: Pick<TestCollector, 'baseUrl'>, secret: string) => {
  const headers = { 'content-type': 'application/json', 'x-api-key': secret };
  const body = JSON.stringify({ event_type: 'SHARED' });
  const response = await fetch(`${baseUrl}/v1/telemetry/log`, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.status;
};
const posts = (secret: string) =>
  Promise.all(collectors.map((collector) => post(collector, secret)));

it('share keys and their revocation, with the database away too', async () => {
  const [first, second] = collectors;
  const made = await change(first, 'CreateKey', { name: 'app' });
  const short = await change(second, 'CreateKey', { name: 'short' });
  await expect.poll(() => posts(made.body.secret), { timeout: heardMs }).toEqual([200, 200, 200]);
  await expect.poll(() => posts(short.body.secret), { timeout: heardMs }).toEqual([200, 200, 200]);
  expect((await change(second, 'RevokeKey', { name_or_id: 'short' })).status).toBe(200);
  await expect.poll(() => posts(short.body.secret), { timeout: heardMs }).toEqual([401, 401, 401]);

  const endOutage = await beginOutage(database);
  try {
    expect(await posts(made.body.secret)).toEqual([200, 200, 200]);
    expect(await posts(short.body.secret)).toEqual([401, 401, 401]);
    const refused = await change(first, 'CreateKey', { name: 'late' });
    expect(refused).toMatchObject({
      status: 503,
      body: {
        code: 'unavailable',
        message: expect.stringMatching(
          /^keys are kept in the database, which does not answer, and/,
        ),
      },
    });
    const command = await runCommand(['keys', 'create', 'late'], { DATABASE_URL: database.url });
    expect([command.code, command.stdout]).toEqual([1, '']);
    expect(command.stderr.trim().split('\n')).toHaveLength(1);
  } finally {
    await endOutage();
  }
  await expect.poll(async () => (await change(first, 'ListKeys', {})).status).toBe(200);
}, 90_000);

it('know keys of a database that is away when they start', async () => {
  const { secret } = (await change(collectors[0], 'CreateKey', { name: 'copied' })).body;
  await expect.poll(() => posts(secret), { timeout: heardMs }).toEqual([200, 200, 200]);
  await collectors[2]?.stop();
  const endOutage = await beginOutage(database);
  const path = `${(directories[2] as { path: string }).path}/data`;
  const config = testConfig({ DATABASE_URL: database.url, TELEMETRY_DATA_DIR: path });
  const collector = await Collector.start(config, silentLogger);
  const baseUrl = `http://127.0.0.1:${collector.port}`;
  expect(await post({ baseUrl }, secret)).toBe(200);
  expect(await post({ baseUrl }, `${secret}x`)).toBe(401);
  await endOutage();
  await collector.untilReady();
  await collector.stop();
  collectors.pop();
}, 90_000);
