import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';

let telemetry: TestCollector;
const at = new Date(Date.now() - 60_000).toISOString();
beforeAll(async () => {
  telemetry = await startCollector();
  const { baseUrl, database } = telemetry;
  const events = ['MANY', 'FEW'].map((event_type) => ({
    ...{ event_type, component: 'L1', value: 1, timestamp: at },
  }));
  await postJson(`${baseUrl}/v1/telemetry/batch`, { events });
  const usage = {
    model: 'gpt',
    layer: 'L2',
    prompt_tokens: 1,
    completion_tokens: 1,
    timestamp: at,
  };
  await postJson(`${baseUrl}/v1/telemetry/usage`, usage);
  // As if each were a great many; only rollups know how many there are before they are read.
  const pretend = ([table, series, count, which]: readonly string[]) =>
    database.rows(
      `update ${table} set ${count} = 600000
       where series in (select id from ${series} where ${which}) returning 1`,
    );
  for (const of of [
    ['event_rollup_quarter', 'event_series', 'events', "margin = 'all' or event_type = 'MANY'"],
    ['usage_rollup_quarter', 'usage_series', 'requests', "margin = 'all'"],
  ] as const) {
    await vi.waitUntil(async () => (await pretend(of)).length > 0, { timeout: 30_000 });
  }
});
afterAll(() => telemetry.stop());

const ask = async (path: string) => {
  const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${path}`);
  expect({ path, status, message: body.message }).toEqual({ path, status: 200 });
  const { width, before, source } = body as {
    width?: string;
    before?: { periods: readonly unknown[] };
    source: { notes?: readonly { field: string; message: string }[] };
  };
  return { width, before, notes: source.notes?.filter(({ field }) => field === 'width') ?? [] };
};
const note = { field: 'width', message: 'is 15m: one below would read 600,000 rows' };

it.each([
  ['timeseries?hours=1', '15m', [note]],
  ['timeseries?hours=1&group_by=event_type', '15m', [note]],
  ['timeseries?hours=1&event_type=MANY', '15m', [note]],
  // Nobody but rows can tell of metadata: all are read.
  ['timeseries?hours=1&metadata={}', '15m', [note]],
  ['timeseries?hours=1&event_type=FEW', '1m', []],
  ['timeseries?hours=1&width=1m', '1m', []],
  ['timeseries?hours=48', '30m', []],
  ['usage/summary?hours=1&width=auto', '15m', [note]],
  ['usage/summary?hours=1&width=1m', '1m', []],
])('%s is told by %s', async (path, width, notes) => {
  expect(await ask(path)).toMatchObject({ width, notes });
});

it('begins with a whole part where so many hours are asked for, and not where a time is', async () => {
  const since = new Date(Date.now() - 1_800_000).toISOString();
  const [rounded, exact] = await Promise.all([
    getJson(`${telemetry.baseUrl}/v1/telemetry/timeseries?hours=1`),
    getJson(`${telemetry.baseUrl}/v1/telemetry/timeseries?start_time=${since}`),
  ]);
  const quarter = expect.stringMatching(/T\d\d:(00|15|30|45):00(\.0+)?(Z|\+00:00)$/);
  expect(rounded.body.source).toMatchObject({ rounded: true, start_time: quarter });
  expect(exact.body).toMatchObject({ width: '15m' });
  expect(exact.body.source).not.toMatchObject({ rounded: true });
  expect(exact.body.source).not.toMatchObject({ start_time: quarter });
});

it('what is compared has parts of the same width', async () => {
  const { before } = await ask('usage/summary?hours=1&width=auto&compare_before=true');
  expect(before?.periods.length).toBeLessThanOrEqual(6);
});
