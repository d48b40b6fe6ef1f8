import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';
import { accountOf } from '../support/metrics.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

it('answers and stores 500 posts that come at once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, value) =>
      postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'AT_ONCE', value }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  // On a busy machine some of them come by the spool.
  while ((await accountOf(telemetry.baseUrl)).pending > 0) {
    // Not settled yet.
  }
  const [stored] = await telemetry.database.rows(
    'select count(*)::int as rows, count(distinct value)::int as events from system_telemetry',
  );
  expect(stored).toEqual({ rows: 500, events: 500 });
});
