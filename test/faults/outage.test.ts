import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, holdTable, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { spawnCollector } from '../support/process.ts';
import { deliver } from '../support/resending-client.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const count = () => database.count('select count(*) from system_telemetry');

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await sleep(20);
}

const post = ({ baseUrl }: { baseUrl: string }, fields = {}) =>
  postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'OUTAGE', ...fields });

async function expectBalance({ baseUrl }: TestCollector): Promise<void> {
  expect(imbalance(await accountOf(baseUrl))).toBe(0);
}

it('spools while the database is away, and stores it once when it is back', async () => {
  const telemetry = await startCollector({}, database);
  const endOutage = await beginOutage(database);
  const idempotency_key = uuidv7();
  for (let index = 0; index < 20; index++) {
    const { status, body } = await post(telemetry, { value: index });
    expect([status, body.durability]).toEqual([200, 'DURABILITY_SPOOLED']);
  }
  // The same event twice: nobody can know yet, the ledger will.
  for (let index = 0; index < 2; index++) await post(telemetry, { idempotency_key });
  expect(await accountOf(telemetry.baseUrl)).toMatchObject({ received: 22, pending: 22 });
  await expectBalance(telemetry);
  await endOutage();
  await until(async () => (await accountOf(telemetry.baseUrl)).pending === 0);
  expect(await count()).toBe(21);
  expect(await accountOf(telemetry.baseUrl)).toMatchObject({ stored: 21, duplicate: 1 });
  await expectBalance(telemetry);
  const { body } = await post(telemetry);
  expect(body.durability).toBe('DURABILITY_COMMITTED');
  await telemetry.stop();
});

it('acknowledges streams from the spool during an outage, exactly once in the end', async () => {
  const telemetry = await startCollector({}, database);
  const batches = Array.from({ length: 200 }, (_, batch) => ({
    batchId: uuidv7(),
    events: Array.from({ length: 100 }, (_, index) => ({
      eventType: 'STREAMED',
      value: batch * 100 + index,
    })),
  }));
  let outage: Promise<() => Promise<void>> | undefined;
  await deliver(telemetry.baseUrl, batches, (acknowledged) => {
    if (acknowledged === 50) outage = beginOutage(database);
  });
  const endOutage = await outage;
  await endOutage?.();
  await until(async () => (await accountOf(telemetry.baseUrl)).pending === 0);
  const [stored] = await database.rows(
    'select count(*)::int as rows, count(distinct value)::int as events from system_telemetry',
  );
  expect(stored).toEqual({ rows: 20_000, events: 20_000 });
  await expectBalance(telemetry);
  await telemetry.stop();
});

it('keeps what it spooled when it is killed, and stores it after a restart', async () => {
  const directory = temporaryDirectory();
  const env = { DATABASE_URL: database.url, TELEMETRY_DATA_DIR: directory.path };
  const first = await spawnCollector(env);
  const endOutage = await beginOutage(database);
  for (let index = 0; index < 10; index++)
    expect((await post(first)).body).toMatchObject({ success: true });
  await first.end('SIGKILL');
  await endOutage();
  const second = await spawnCollector(env);
  await until(async () => (await count()) === 10);
  await until(async () => (await accountOf(second.baseUrl)).pending === 0);
  const account = await accountOf(second.baseUrl);
  expect(account).toMatchObject({ recovered: 10, stored: 10 });
  expect(imbalance(account)).toBe(0);
  expect(await second.end('SIGTERM')).toBe(0);
  directory.remove();
});

it('spools what is in memory when it is stopped during an outage', async () => {
  const directory = temporaryDirectory();
  const env = { DATABASE_URL: database.url, TELEMETRY_DATA_DIR: directory.path };
  const first = await startCollector(env, database);
  const endOutage = await beginOutage(database);
  const posts = Promise.all(Array.from({ length: 50 }, (_, value) => post(first, { value })));
  posts.catch(() => {});
  await first.stop();
  const taken = (await posts.catch(() => [])).filter(({ status }) => status === 200).length;
  await endOutage();
  const second = await startCollector(env, database);
  await until(async () => (await count()) >= taken);
  expect(await count()).toBeLessThanOrEqual(50);
  await second.stop();
});

it('does not count twice what a commit stored that was left behind', async () => {
  const telemetry = await startCollector(
    { TELEMETRY_COMMIT_MS_MAX: '100', TELEMETRY_STREAM_COMMIT_MS_MAX: '100' },
    database,
  );
  const client = await database.pool.connect();
  await holdTable(client, 'system_telemetry in share mode');
  const { body } = await post(telemetry);
  expect(body.durability).toBe('DURABILITY_SPOOLED');
  await client.query('rollback');
  client.release();
  await until(async () => (await accountOf(telemetry.baseUrl)).pending === 0);
  expect(await count()).toBe(1);
  expect(await accountOf(telemetry.baseUrl)).toMatchObject({
    received: 1,
    stored: 1,
    duplicate: 0,
  });
  await telemetry.stop();
});
