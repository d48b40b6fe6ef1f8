import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';
import { insertEvents } from '../support/seed.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('numbers for dashboards', () => {
  let telemetry: TestCollector;
  /** Noon (UTC) so many days ago: hours before and after it are the same day. */
  const noon = (days: number) =>
    Math.floor(Date.now() / dayMs) * dayMs - days * dayMs + 12 * hourMs;
  const at = (ms: number) => new Date(ms).toISOString();
  const midnight = (ms: number) => `${at(ms).slice(0, 10)}T00:00:00.000000+00:00`;

  beforeAll(async () => {
    telemetry = await startCollector();
    const thought = (
      component: string | null,
      value: number | null,
      ms: number,
      tokens?: unknown,
    ) => ({
      event_type: 'THOUGHT_LATENCY',
      component,
      value,
      timestamp: at(ms),
      metadata: { tokens_generated: tokens, total_tokens: tokens },
    });
    const now = Date.now();
    await insertEvents(telemetry.database, [
      thought('gemma', 10, now - hourMs / 2, 100),
      thought('gemma', 20, now - hourMs / 2, 50.9),
      thought('gemma', 60, now - 2 * hourMs, 1),
      thought('qwen', 5, now - hourMs / 2, '7'),
      thought('qwen', null, now - hourMs / 2),
      thought(null, 1, now - hourMs / 2, 3),
      thought('old', 2, noon(10), 10),
      thought('old', 4, noon(10) + 11 * hourMs, 20),
      thought('old', 9, noon(11) - 11 * hourMs, 30),
      thought('ancient', 9, noon(61), 30),
      { event_type: 'LOAD_LATENCY', component: 'gemma', value: 7 },
    ]);
  });
  afterAll(() => telemetry.stop());

  const get = async (path: string) => {
    const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${path}`);
    expect(status).toBe(200);
    return body;
  };

  it('of all components', async () => {
    expect(await get('stats?hours=1')).toMatchObject({
      component: null,
      measurement_count: 5,
      avg_efficiency_score: (10 + 20 + 5 + 1) / 4,
      best_efficiency: 1,
      worst_efficiency: 20,
      total_tokens: 100 + 50 + 3,
      time_window_hours: 1,
      components: [
        stats('gemma', 2, 15, 10, 20, 150),
        stats('qwen', 2, 5, 5, 5, 0),
        stats(null, 1, 1, 1, 1, 3),
      ],
    });
  });

  it('of nothing are null, as the deployed clients know them', async () => {
    for (const component of ['nobody', 'qwen']) {
      expect(await get(`stats?hours=1&component=${component}`)).toMatchObject({
        total_tokens: null,
      });
    }
    // Nor of what only rows know.
    const none = await get(`stats?hours=1&metadata=${encodeURIComponent('{"nobody":1}')}`);
    expect(none).toMatchObject({ measurement_count: 0, source: { kind: 'rows' } });
  });

  const stats = (
    component: string | null,
    measurement_count: number,
    avg_efficiency_score: number,
    best_efficiency: number,
    worst_efficiency: number,
    total_tokens: number,
  ) => ({
    component,
    measurement_count,
    avg_efficiency_score,
    best_efficiency,
    worst_efficiency,
    total_tokens,
  });

  it('of one component, of another event type, and of nothing', async () => {
    expect(await get('stats?component=gemma')).toMatchObject({
      ...stats('gemma', 3, 30, 10, 60, 151),
      time_window_hours: 24,
    });
    expect(await get('stats?event_type=LOAD_LATENCY')).toMatchObject({
      component: null,
      measurement_count: 1,
      avg_efficiency_score: 7,
    });
    expect(await get('stats?component=none')).toMatchObject({
      component: 'none',
      measurement_count: 0,
      avg_efficiency_score: null,
      best_efficiency: null,
      worst_efficiency: null,
      total_tokens: null,
      time_window_hours: 24,
      components: [],
    });
  });

  it('of the last 60 days, by model and day', async () => {
    const body = await get('trends?component=old');
    expect(body).toMatchObject({
      overall: {
        total_measurements: 3,
        unique_models: 1,
        oldest_record: at(noon(11) - 11 * hourMs).replace('.000Z', '.000000+00:00'),
        newest_record: at(noon(10) + 11 * hourMs).replace('.000Z', '.000000+00:00'),
      },
      model_trends: [
        {
          component: 'old',
          avg_efficiency: 5,
          measurement_count: 3,
          total_tokens_processed: 60,
          days: [
            { day: midnight(noon(11)), avg_efficiency: 9, measurement_count: 1 },
            { day: midnight(noon(10)), avg_efficiency: 3, measurement_count: 2 },
          ],
        },
      ],
      retention_window_days: 60,
    });
    const all = await get('trends');
    expect(all.overall).toMatchObject({ total_measurements: 9, unique_models: 3 });
    const models = all.model_trends.map(({ component }: { component: string }) => component);
    expect(models).toEqual(['gemma', 'old', 'qwen', null]);
    expect((await get('trends?days=1')).overall.total_measurements).toBe(6);
    const { overall, model_trends } = await get('trends?overall_of_all_events=true');
    expect(overall.total_measurements).toBeGreaterThan(9);
    expect(model_trends).toEqual(all.model_trends);
    const { source: _, ...same } = body;
    expect(await get('trends?component=old&overall_of_all_events=true')).toMatchObject(same);
  });

  it('beyond the most are of the most, and say so', async () => {
    for (const [path, field, most] of [
      ['usage/summary?hours=1e300', 'hours', '87840'],
      ['trends?days=367', 'days', '366'],
      ['stats?group_by=component&limit=1001', 'limit', '1000'],
      ['timeseries?hours=24&width=1s', 'width', '2000'],
      // 1,441 minutes or one more, and 40,000 points at most.
      [
        'timeseries?hours=24&width=1m&group_by=component&limit=900',
        'limit',
        'is 900; the most is 27',
      ],
    ]) {
      const { notes } = (await get(path as string)).source;
      expect(notes).toEqual([{ field, message: expect.stringContaining(most as string) }]);
    }
  });

  it('are refused with the parameter that is wrong', async () => {
    for (const [path, field] of [
      ['stats?hours=-1', 'hours'],
      ['stats?hours=x', 'hours'],
      ['usage/summary?hours=1e400', 'hours'],
      ['usage/summary?component=L1', 'component'],
      ['trends?days=-1', 'days'],
      ['trends?days=1.5', 'days'],
      ['trends?overall_of_all_events=1', 'overall_of_all_events'],
      ['trends?component=%00', 'component'],
      ['footprint?table=usage_stats', 'table'],
    ]) {
      const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${path}`);
      expect({ path, status, ...body }).toMatchObject({ path, status: 400, field });
      expect(body.message).toContain(field);
    }
  });
});
