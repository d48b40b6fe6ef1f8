import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

it.each([
  ['NUL in a number', { value: '\0' }],
  ['NUL in a field of a message', { metadata: '\0' }],
  ['a long text in a number', { value: 'é'.repeat(40_000) }],
])('stores the good event beside one with %s', async (_, bad) => {
  const events = [
    { event_type: 'BAD', ...bad },
    { event_type: 'GOOD', value: 1 },
  ];
  const { status, body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, { events });
  expect(status).toBe(200);
  expect(body).toMatchObject({ events: 1, rejected: 1 });
  expect(body.rejections[0].reason.length).toBeLessThan(400);
});

it.each([
  'events?limit=1.5',
  'events?component=%00',
  'events?event_type=%00',
  'stats?component=%00',
  'stats?event_type=%00',
  'usage/summary?model=%00',
  'trends?component=%00',
  'trends?days=1.5',
])('says that a query is wrong, not that the database is: %s', async (query) => {
  const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/${query}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'invalid_argument' });
});

it('answers every query though absurd numbers are stored', async () => {
  const metadata = { tokens_generated: 1e300, total_tokens: 1e300 };
  const absurd = { event_type: 'THOUGHT_LATENCY', component: 'absurd', value: 1e308, metadata };
  const tokens = Number.MAX_SAFE_INTEGER;
  const spent = { model: 'absurd', cost_usd: 1e308, duration_ms: 1e308 };
  const usage = { ...spent, input_tokens: tokens, output_tokens: tokens };
  const batch = {
    batch_id: uuidv7(),
    events: [absurd, absurd, { ...absurd, value: 2, metadata: { total_tokens: 7 } }],
    usage: Array.from({ length: 2000 }, () => usage),
  };
  // On a busy machine it may take longer than an answer may.
  const send = () => postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, batch);
  await expect.poll(async () => (await send()).status, { timeout: 20_000 }).toBe(200);
  const get = (query: string) => getJson(`${telemetry.baseUrl}/v1/telemetry/${query}`);
  const stats = await get('stats');
  expect(stats.status).toBe(200);
  expect(stats.body).toMatchObject({ measurement_count: 3, best_efficiency: 2 });
  for (const query of ['usage/summary', 'trends', 'events']) {
    expect((await get(query)).status).toBe(200);
  }
});
