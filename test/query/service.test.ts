import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { onCluster } from '../support/on-cluster.ts';
import { openTail } from '../support/tail.ts';

let database: TestDatabase;
let [first, second]: TestCollector[] = [];
beforeAll(async () => {
  database = await createDatabase();
  first = await startCollector({}, database);
  second = await startCollector({}, database);
});
afterAll(async () => {
  await Promise.all([first?.stop(), second?.stop()]);
  await database.drop();
});

const service = async () => (await getJson(`${first?.baseUrl}/v1/telemetry/service`)).body;

it('tells of each collector how it fares, of itself as of now', async () => {
  await postJson(`${first?.baseUrl}/v1/telemetry/log`, { event_type: 'A' });
  await expect.poll(async () => (await service()).collectors.length, { timeout: 20_000 }).toBe(2);
  const ledger = async () => (await service()).collectors[0].ledger;
  await expect.poll(ledger, { timeout: 20_000 }).toMatchObject({ stored: 1, pending: 0 });
  const { collectors } = await service();
  expect(collectors[0]).toMatchObject({
    answering: true,
    away: false,
    ready: true,
    reasons: [],
    spool_records: 0,
    ledger: { received: 1, stored: 1, pending: 0 },
  });
  expect(collectors[0].memory_bytes).toBeGreaterThan(1e6);
  expect(collectors[0].disk_free_bytes).toBeGreaterThan(0);
  expect(collectors[0].keys).toMatchObject([{ name: '', records: 1 }]);
  expect(collectors[0].ack_latency_ms.p50).toBeGreaterThan(0);
  expect(collectors[1]).toMatchObject({ answering: false, ledger: { received: 0 } });
  expect(collectors[1].id).not.toBe(collectors[0].id);
});

// Tail is refused there.
it.skipIf(onCluster)('counts who watches', async () => {
  const tails = async () => (await service()).collectors[0].tails;
  expect(await tails()).toBe(0);
  const tail = await openTail((first as TestCollector).baseUrl);
  expect(await tails()).toBe(1);
  await tail.stop();
  await expect.poll(tails).toBe(0);
});

it('says who is away, forgets who has stopped, and takes what another release says', async () => {
  await database.rows(`
    insert into telemetry_collectors (collector, seen_at, status) values
      (gen_random_uuid(), now() - interval '10 minutes', '{"host": "zz-gone", "unheardOf": {"a": 1}}'),
      (gen_random_uuid(), now() - interval '2 hours', '{"host": "zz-long-gone"}')`);
  const named = (body: { collectors: { host: string; away: boolean }[] }) =>
    body.collectors.filter(({ host }) => host.startsWith('zz'));
  expect(named(await service())).toMatchObject([{ host: 'zz-gone', away: true }]);
  await second?.stop();
  second = undefined as unknown as TestCollector;
  expect((await service()).collectors).toHaveLength(2);
});

it('is a list in CSV', async () => {
  const response = await fetch(`${first?.baseUrl}/v1/telemetry/service?format=csv`);
  const [header] = (await response.text()).split('\r\n');
  expect(response.headers.get('content-type')).toContain('text/csv');
  expect(header).toMatch(/^id,host,version,started_at/);
});
