import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';
import { accountOf, metric } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const post = async (path: 'usage' | 'batch', body: object) =>
  (await postJson(`${telemetry.baseUrl}/v1/telemetry/${path}`, body)).body;

const stored = (model: string) =>
  telemetry.database.rows(
    'select id, prompt_tokens, user_id from usage_stats where model = $1 order by prompt_tokens',
    [model],
  );

it('acknowledges one record of a call as stored, and others as duplicates of it', async () => {
  const call = { model: 'one', provider: 'p', response_id: 'one' };
  const first = await post('usage', { ...call, input_tokens: 5 });
  expect(first).toMatchObject({ duplicate: false });
  const later = { ...call, input_tokens: 6, user_id: 'u', idempotency_key: uuidv7() };
  const duplicate = { ...first, duplicate: true, message: 'usage record was stored before' };
  expect(await post('usage', later)).toEqual(duplicate);
  // With its key once more: the first answer, and still that row.
  expect(await post('usage', later)).toEqual(duplicate);
  expect(await stored('one')).toEqual([{ id: first.id, prompt_tokens: '5', user_id: 'u' }]);
});

it('counts duplicates of a batch apart from what is stored and what is rejected', async () => {
  const usage = ['a', 'b', 'a', '', 'a'].map((id) => ({ model: 'many', response_id: id }));
  const batch = { batch_id: uuidv7(), usage: [...usage, { model: '' }] };
  const answer = await post('batch', batch);
  expect(answer).toMatchObject({ usage: 3, duplicates: 2, rejected: 1, duplicate: false });
  expect(await post('batch', batch)).toEqual({ ...answer, duplicate: true });
});

it('tells calls that were spooled, when their turn comes', async () => {
  const call = { model: 'spooled', trace_id: 'ab', span_id: 'cd' };
  await post('usage', { ...call, input_tokens: 1 });
  const endOutage = await beginOutage(telemetry.database);
  let again: { durability?: string } = {};
  while (again.durability !== 'DURABILITY_SPOOLED') {
    again = await post('usage', { ...call, user_id: 'u' });
  }
  await endOutage();
  await expect
    .poll(async () => await stored('spooled'), { timeout: 15_000 })
    .toMatchObject([{ prompt_tokens: '1', user_id: 'u' }]);
});

it('accounts for every record', async () => {
  await expect
    .poll(async () => (await accountOf(telemetry.baseUrl, 'usage_stats')).pending, {
      timeout: 15_000,
    })
    .toBe(0);
  const { received, recovered, ...settled } = await accountOf(telemetry.baseUrl, 'usage_stats');
  const { stored, duplicate, rejected, refused, dead_lettered, pending } = settled;
  expect(received + recovered).toBe(
    stored + duplicate + rejected + refused + dead_lettered + pending,
  );
  const rows = await telemetry.database.count('select count(*) from usage_stats');
  expect(stored).toBe(rows);
  const repeated = await metric(telemetry.baseUrl, 'telemetry_usage_repeated_total');
  expect(repeated).toBeGreaterThanOrEqual(4);
});
