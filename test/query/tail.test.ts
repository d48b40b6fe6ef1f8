import { randomBytes } from 'node:crypto';
import { Code, type ConnectError } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sweepLeaf } from '../../src/rollup/sweep.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { patient } from '../support/patient.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { insertEvents } from '../support/seed.ts';
import { openTail, type TestTail } from '../support/tail.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let database: TestDatabase;
let collectors: [TestCollector, TestCollector];
let tails: TestTail[] = [];
const directories = [temporaryDirectory(), temporaryDirectory()];

const never = new AbortController().signal;

beforeAll(async () => {
  database = await createDatabase();
  const start = (index: number, more = {}) =>
    startCollector(
      { TELEMETRY_DATA_DIR: `${directories[index]?.path}/data`, ...patient, ...more },
      database,
    );
  collectors = [await start(0, { TELEMETRY_TAILS_MAX: '4' }), await start(1)];
});
afterEach(async () => {
  await Promise.all(tails.map((tail) => tail.stop()));
  tails = [];
});
afterAll(async () => {
  await Promise.all(collectors.map((collector) => collector.stop()));
  await database.drop();
});

async function open(...given: Parameters<typeof openTail>): Promise<TestTail> {
  const tail = await openTail(...given);
  tails.push(tail);
  return tail;
}

const post = async (at: 0 | 1, path: string, body: unknown) => {
  const { status } = await postJson(`${collectors[at].baseUrl}/v1/telemetry/${path}`, body);
  expect(status).toBe(200);
};
const log = (at: 0 | 1, event_type: string, more = {}) => post(at, 'log', { event_type, ...more });

describe('tells each record once', () => {
  it.each([
    ['gRPC', (baseUrl: string) => baseUrl],
    ['Connect', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
    ['gRPC-Web', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ] as const)('by %s, whichever collector stores it', async (name, transport) => {
    await log(1, `${name} BEFORE`);
    const tail = await open(transport(collectors[0].baseUrl));
    await log(0, `${name} A`, { component: 'L1', value: 1.5, metadata: { gpu: 0, big: 'é' } });
    await log(1, `${name} B`);
    await tail.until(2);
    expect(tail.names).toEqual([`${name} A`, `${name} B`]);
    expect(tail.records[0]?.record.value).toMatchObject({
      component: 'L1',
      value: 1.5,
      metadata: { gpu: 0, big: 'é' },
    });
  });

  it('of a transaction that lasts longer than others, with savepoints too', async () => {
    const tail = await open(collectors[0].baseUrl);
    const client = await database.pool.connect();
    const insert = (type: string) =>
      client.query(`insert into system_telemetry (event_type) values ($1)`, [type]);
    await client.query('begin');
    await insert('LONG 1');
    await client.query('savepoint one');
    await insert('LONG 2');
    await log(0, 'SHORT');
    await tail.until(1);
    await client.query('commit');
    client.release();
    await tail.until(3);
    expect(tail.names.toSorted()).toEqual(['LONG 1', 'LONG 2', 'SHORT']);
    await log(1, 'LAST');
    await tail.until(4);
  });

  it('inserted by others and claimed for rollups, before or after it is seen', async () => {
    const work = rollupWork(database);
    const [leaf] = await database.rows<{ name: string }>(`
      insert into system_telemetry (event_type, "timestamp") values ('BEFORE', now())
      returning tableoid::regclass::text as name`);
    const [events] = work.series;
    if (!events || !leaf) throw new Error('nothing to sweep');
    const sweep = () => sweepLeaf(work.db, work.writer, events, leaf.name, never);
    const tail = await open(collectors[0].baseUrl);
    for (let round = 0; round < 10; round++) {
      await insertEvents(database, [{ event_type: `ROUND ${round}` }, { event_type: 'OTHER' }]);
      await sweep();
      await insertEvents(database, [{ event_type: `AFTER ${round}` }]);
    }
    await tail.until(30);
    await sweep();
    await log(0, 'LAST');
    await tail.until(31);
    expect(new Set(tail.names).size).toBe(22);
    await work.end();
  });

  it.each([
    ['a few', 2],
    ['more than are looked for', 5001],
  ])('inserted by others in one transaction into several partitions: %s', async (_, count) => {
    const tail = await open(collectors[0].baseUrl, { filter: { components: ['spread'] } });
    await database.rows(`
      insert into system_telemetry (event_type, component, "timestamp")
      select 'SPREAD', 'spread', now() - make_interval(days => (number = 1)::int)
      from generate_series(1, ${count}) as number`);
    await tail.until(count);
    await log(1, 'LAST', { component: 'spread' });
    await tail.until(count + 1);
  });

  it('of any age, and of batches whose times are scattered', async () => {
    const tail = await open(collectors[0].baseUrl, { recordsPerSecondMax: 10_000 });
    const at = (index: number) => new Date(Date.now() - index * 7_200_000).toISOString();
    const events = Array.from({ length: 300 }, (_, index) => ({
      event_type: `SCATTERED ${index}`,
      timestamp: at(index),
    }));
    await post(1, 'batch', { events });
    await tail.until(300);
    expect(new Set(tail.names).size).toBe(300);
  });

  it('whose call is told of again', async () => {
    const usage = { model: 'm', provider: 'p', response_id: randomBytes(8).toString('hex') };
    const tail = await open(collectors[0].baseUrl, { kinds: ['usage'] });
    await post(0, 'usage', { ...usage, input_tokens: 3 });
    await post(1, 'usage', { ...usage, agent: 'later' });
    await tail.until(1);
    await post(1, 'usage', { ...usage, team: 'much later' });
    await post(1, 'usage', { model: 'last' });
    await tail.until(2);
    expect(tail.names).toEqual(['m', 'last']);
  });

  it('beside one that PostgreSQL does not take', async () => {
    const tail = await open(collectors[0].baseUrl);
    const text = randomBytes(48_000).toString('base64').slice(0, 60_000);
    await database.rows(`create index refusing on system_telemetry ((metadata ->> 'text'))`);
    const events = [
      { event_type: 'TAKEN 1' },
      { event_type: 'REFUSED', metadata: { text } },
      { event_type: 'TAKEN 2' },
    ];
    await post(1, 'batch', { events });
    await tail.until(2);
    await database.rows('drop index refusing');
    await log(0, 'LAST');
    await tail.until(3);
    expect(tail.names).toEqual(['TAKEN 1', 'TAKEN 2', 'LAST']);
  });
});

it('tells of a commit by the note of its transaction, long before anything else could', async () => {
  const tail = await open(collectors[0].baseUrl, { filter: { components: ['noted'] } });
  // As a collector stores it: no index of what others have written knows of it.
  const stored = (type: string) => `
    insert into system_telemetry (event_type, component, rolled) values ('${type}', 'noted', true)
    returning (extract(epoch from "timestamp" - timestamptz '2000-01-01 UTC') * 1000000)::bigint as us`;
  await database.rows(stored('WITHOUT'));
  await database.rows(`
    with stored as (${stored('WITH')})
    insert into commit_notes (kind, rows, times) select 'event', 1, array[us, us] from stored`);
  await tail.until(1);
  const times: number[] = [];
  for (let count = 2; count <= 6; count++) {
    await log(1, 'TIMED', { component: 'noted' });
    const acknowledgedMs = performance.now();
    await tail.until(count);
    times.push(performance.now() - acknowledgedMs);
  }
  expect(tail.names).toEqual(['WITH', ...Array(5).fill('TIMED')]);
  // The next slower way is a matter of many seconds, however busy the machine.
  expect(Math.min(...times)).toBeLessThan(2000);
});

it('filters by fields and metadata, each stream for itself', async () => {
  const [{ baseUrl }] = collectors;
  const inL1 = await open(baseUrl, { filter: { components: ['L1'], statuses: ['OK'] } });
  const byGpu = await open(baseUrl, { filter: { metadata: { gpu: { id: 1 } } } });
  const both = await open(baseUrl, {
    kinds: ['event', 'usage'],
    filter: { eventTypes: ['FILTERED 1'] },
    usageFilter: { models: ['mine'] },
  });
  await log(1, 'FILTERED 1', { component: 'L1', status: 'OK', metadata: { gpu: { id: 2 } } });
  await log(1, 'FILTERED 2', {
    component: 'L1',
    status: 'BAD',
    metadata: { gpu: { id: 1, x: 1 } },
  });
  await post(1, 'usage', { model: 'mine', input_tokens: 5, cost_usd: 0.25 });
  await post(1, 'usage', { model: 'another' });
  await log(1, 'FILTERED 3', { component: 'L1', status: 'OK' });
  await inL1.until(2);
  await byGpu.until(1);
  await both.until(2);
  expect(inL1.names).toEqual(['FILTERED 1', 'FILTERED 3']);
  expect(byGpu.names).toEqual(['FILTERED 2']);
  expect(both.names.toSorted()).toEqual(['FILTERED 1', 'mine']);
});

it('skips what is too much, and counts it', async () => {
  const tail = await open(collectors[0].baseUrl, {
    recordsPerSecondMax: 10,
    filter: { components: ['much'] },
  });
  const events = Array.from({ length: 5000 }, () => ({ event_type: 'MUCH', component: 'much' }));
  await post(1, 'batch', { events: [...events, { event_type: 'OTHER' }] });
  await tail.until(5000);
  expect(tail.records.length).toBeGreaterThanOrEqual(10);
  expect(tail.skipped).toBeGreaterThan(4000);
});

it('begins with the newest that are there, if asked to', async () => {
  const filter = { components: ['recent'] };
  for (const name of ['R1', 'R2', 'R3']) await log(0, name, { component: 'recent' });
  const tail = await open(collectors[1].baseUrl, { recent: 2, filter });
  await log(0, 'R4', { component: 'recent' });
  await tail.until(3);
  expect(tail.names).toEqual(['R2', 'R3', 'R4']);
});

describe('refuses', () => {
  const invalid = async (request: Parameters<typeof openTail>[1]) =>
    (await (
      await openTail(collectors[0].baseUrl, request)
    ).ending) as ConnectError;

  it.each([
    ['kinds', { kinds: ['events'] }],
    ['recent', { recent: 1001 }],
    ['records_per_second_max', { recordsPerSecondMax: -1 }],
    ['components', { filter: { components: ['a\0b'] } }],
    ['metadata', { filter: { metadata: { a: 'b\0c' } } }],
  ] as const)('what is wrong in %s', async (field, request) => {
    const error = await invalid(request as Parameters<typeof openTail>[1]);
    expect([error.code, error.rawMessage]).toEqual([
      Code.InvalidArgument,
      expect.stringContaining(field),
    ]);
  });

  it('more streams than there may be', async () => {
    for (let count = 0; count < 4; count++) await open(collectors[0].baseUrl);
    const error = await invalid({});
    expect([error.code, error.rawMessage]).toEqual([
      Code.ResourceExhausted,
      '4 tails are open; that is the limit',
    ]);
  });
});

it('asks nothing of the database while nobody listens', async () => {
  const looks = () =>
    database.count(`
      select count(*) from pg_stat_activity
      where datname = current_database() and application_name = 'gravitas-telemetry tail'
        and query_start > now() - interval '500 ms'`);
  await expect.poll(looks, { timeout: 10_000 }).toBe(0);
  const tail = await open(collectors[0].baseUrl);
  expect(await looks()).toBe(1);
  await tail.stop();
  await expect.poll(looks, { timeout: 10_000 }).toBe(0);
});

it('ends with a clear status when the collector stops', async () => {
  const third = await startCollector(
    { TELEMETRY_DATA_DIR: `${directories[0]?.path}/third` },
    database,
  );
  const { ending } = await open(third.baseUrl);
  await third.stop();
  const error = (await ending) as ConnectError;
  expect([error.code, error.rawMessage]).toEqual([Code.Unavailable, 'the collector is stopping']);
});
