import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recentSizes } from '../../src/database/cluster/shard-facts.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { eventBatch } from '../support/batches.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createCommitter } from '../support/committer.ts';
import { getJson, postJson } from '../support/http.ts';
import { spawnCollector } from '../support/process.ts';

const footprint = '/gravitas.telemetry.v1.QueryService/GetFootprint';

let collector: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.stop());

it('counts what all nodes take', async () => {
  const { committer, end } = createCommitter(collector.database, 'callers');
  await committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(2000)] });
  await end();
  // First: a vacuum may make them larger meanwhile, by maps.
  const [taken] = await collector.database.rows<{ bytes: number }>(
    `select sum(citus_total_relation_size(inhrelid))::float8 as bytes from pg_inherits
     where inhparent = 'system_telemetry'::regclass`,
  );
  const { status, body } = await postJson(`${collector.baseUrl}${footprint}`, {});
  expect(status).toBe(200);
  expect(taken?.bytes).toBeGreaterThan(0);
  expect(Number(body.table_sizes[0].total_bytes)).toBeGreaterThanOrEqual(taken?.bytes as number);
});

it('remembers the sizes of all nodes for a while, and asks again after it', async () => {
  const db = createKysely(collector.database.pool);
  const [kept, anew] = [recentSizes(600_000), recentSizes(-1)];
  expect((await kept(db)).leaves.size).toBeGreaterThan(0);
  expect(await kept(db)).toBe(await kept(db));
  expect(await anew(db)).not.toBe(await anew(db));
});

it('says that it does not follow what is stored there, and what to do instead', async () => {
  const response = await fetch(`${collector.baseUrl}/gravitas.telemetry.v1.QueryService/Tail`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json' },
    body: new Uint8Array([0, 0, 0, 0, 2, 0x7b, 0x7d]),
  });
  expect(await response.text()).toContain('Citus cluster, where Tail can not follow them');
});

it('names the node that is away, goes on taking records, and is well again after it', async () => {
  const { database } = collector;
  const [node] = await database.rows<{ port: number }>(
    'select nodeport as port from pg_dist_node where groupid = 2',
  );
  const cluster = async () => JSON.stringify((await getJson(`${collector.baseUrl}/health`)).body);
  await database.rows('update pg_dist_node set nodeport = 1 where groupid = 2');
  while (!(await cluster()).includes('127.0.0.1:1 of the cluster does not answer')) await sleep(50);
  // One that starts meanwhile is ready too.
  const late = await spawnCollector({ DATABASE_URL: database.url });
  for (const { baseUrl } of [collector, late]) {
    const posted = await postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'AWAY' });
    expect(posted.status).toBe(200);
  }
  // Which one it is, and as whom we come to it, is said by health alone.
  const { status, body } = await getJson(`${collector.baseUrl}/v1/telemetry/events?limit=1`);
  expect([status, body.message]).toEqual([
    503,
    'database: it does not reach another server (SQLSTATE 08006)',
  ]);
  const sized = await postJson(`${collector.baseUrl}${footprint}`, {});
  expect(sized.status).toBe(503);
  expect(JSON.stringify(sized.body)).not.toMatch(/127\.0\.0\.1|postgres@/);
  await database.rows('update pg_dist_node set nodeport = $1 where groupid = 2', [node?.port]);
  while ((await cluster()).includes('of the cluster does not answer')) await sleep(50);
  const stored = () =>
    database.count(`select count(*) from system_telemetry where event_type = 'AWAY'`);
  while ((await stored()) < 2) await sleep(50);
  expect(await late.end('SIGTERM')).toBe(0);
});
