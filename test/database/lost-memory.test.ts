import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newUuidV7 } from '../../src/uuid.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { furtherHeaders, getJson, postJson } from '../support/http.ts';

// A loss is noticed within two seconds, and mended in another one.
vi.setConfig({ testTimeout: 90_000 });

let telemetry: TestCollector;
const components = ['first', 'second'];
let stored = 0;
const url = (path: string) => `${telemetry.baseUrl}/v1/telemetry/${path}`;
const rows = (query: string) => telemetry.database.rows(query);
const count = (query: string) => telemetry.database.count(query);

/** One event of each component, and one usage record. */
async function store(): Promise<void> {
  const events = components.map((component) => ({
    event_type: 'THOUGHT_LATENCY',
    component,
    value: 1,
  }));
  const batch = { batch_id: newUuidV7(), events, usage: [{ model: 'm', input_tokens: 5 }] };
  expect((await postJson(url('batch'), batch)).status).toBe(200);
  stored += 1;
}

const answers = async () => {
  const stats = components.map(async (component) => {
    const { body } = await getJson(url(`stats?component=${component}`));
    return body.measurement_count;
  });
  const { body } = await getJson(url('usage/summary'));
  return [...(await Promise.all(stats)), body.requests];
};
const untilAllAreCounted = () =>
  expect.poll(answers, { timeout: 30_000 }).toEqual([stored, stored, stored]);

beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

describe('what is rolled up is computed again where somebody has dropped', () => {
  it.each([
    ['event_series', 'usage_series'],
    ['event_rollup_quarter', 'usage_rollup_hour'],
    ['event_rollup_hour', 'event_rollup_day', 'usage_rollup_quarter', 'usage_rollup_day'],
    ['rollup_fresh', 'rollup_merges'],
    ['rollup_state', 'rollup_history', 'rollup_repairs'],
  ])('%s %s', async (...dropped) => {
    await store();
    // Folded, or still waiting: both are to be found again.
    await untilAllAreCounted();
    await rows(`drop table ${dropped.join(', ')} cascade`);
    await store();
    await untilAllAreCounted();
    // Numbers of lost series may still be about for a minute.
    await rows(`update rollup_repairs set noted_at = noted_at - interval '1 minute'`);
    const left = 'select count(*) from rollup_repairs';
    await expect.poll(() => count(left).catch(() => -1), { timeout: 60_000 }).toBe(0);
    const verify = () =>
      runCommand(['rollups', 'verify'], { DATABASE_URL: telemetry.database.url });
    await expect.poll(async () => (await verify()).code, { timeout: 60_000 }).toBe(0);
    await untilAllAreCounted();
  });

  it('and not below the floors of what retention has removed', async () => {
    await rows(`
      insert into retention_drops (table_name, partition_name, from_time, to_time, bytes, reason)
      select name, name, '2020-01-01', '2020-01-02', 0, 'age'
      from unnest(array['system_telemetry', 'usage_stats']) as name`);
    await rows('drop table rollup_state');
    const floors = () =>
      rows(`select raw_floor::date::text as events, usage_raw_floor::date::text as usage
        from rollup_state`).catch(() => []);
    await expect
      .poll(floors, { timeout: 30_000 })
      .toEqual([{ events: '2020-01-02', usage: '2020-01-02' }]);
    await untilAllAreCounted();
  });
});

it('a ledger that could know an id twice is mended, and ids are known as before', async () => {
  const batch = { batch_id: newUuidV7(), events: [{ event_type: 'ONCE' }] };
  const send = async () => (await postJson(url('batch'), batch)).body;
  await send();
  await rows(`begin; alter table batch_ledger drop constraint batch_ledger_pkey;
    insert into batch_ledger select * from batch_ledger where batch_id = '${batch.batch_id}';
    commit`);
  const entries = `select count(*) from batch_ledger where batch_id = '${batch.batch_id}'`;
  await expect.poll(() => count(entries), { timeout: 30_000 }).toBe(1);
  expect(await send()).toMatchObject({ duplicate: true });
  expect(await count(`select count(*) from system_telemetry where event_type = 'ONCE'`)).toBe(1);
});

it('keys outlive their table: what was valid stays so, and what was revoked', async () => {
  const env = { DATABASE_URL: telemetry.database.url };
  const make = async (name: string) =>
    (await runCommand(['keys', 'create', name, '--scopes', 'ingest'], env)).stdout.trim();
  const [valid, revoked] = [await make('valid'), await make('revoked')];
  expect((await runCommand(['keys', 'revoke', 'revoked'], env)).code).toBe(0);
  const post = async (key: string) => {
    furtherHeaders.authorization = `Bearer ${key}`;
    return (await postJson(url('log'), { event_type: 'KEYED' })).status;
  };
  const statuses = async () => [await post(valid), await post(revoked)];
  await expect.poll(statuses, { timeout: 30_000 }).toEqual([200, 401]);
  await rows('drop table telemetry_keys');
  const kept = () =>
    rows(`select name, revoked_at is not null as revoked from telemetry_keys order by name`).catch(
      () => [],
    );
  await expect.poll(kept, { timeout: 30_000 }).toEqual([
    { name: 'revoked', revoked: true },
    { name: 'valid', revoked: false },
  ]);
  expect(await statuses()).toEqual([200, 401]);
});
