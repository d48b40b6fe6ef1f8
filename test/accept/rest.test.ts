import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';

describe('the RFC and the deployed clients', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  it('stores the event of the RFC and answers 200', async () => {
    const { status, body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, {
      event_type: 'VRAM_CHECK',
      component: 'L1',
      value: 12.5,
      metadata: { gpu_id: 0, total_vram_gb: 24.0, used_vram_gb: 11.5 },
      status: 'OK',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, message: 'event stored' });
    const rows = await telemetry.database.rows('select * from system_telemetry where id = $1', [
      body.id,
    ]);
    expect(rows).toMatchObject([
      {
        event_type: 'VRAM_CHECK',
        component: 'L1',
        value: 12.5,
        metadata: { gpu_id: 0, total_vram_gb: 24, used_vram_gb: 11.5 },
        status: 'OK',
      },
    ]);
  });

  it('gives events back as a bare array, newest first, with nulls where nothing was given', async () => {
    const event = {
      event_type: 'NULLS',
      component: null,
      value: null,
      metadata: null,
      status: null,
    };
    const posted = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, event);
    const { status, body } = await getJson(
      `${telemetry.baseUrl}/v1/telemetry/events?limit=10&component=&event_type=NULLS&hours=`,
    );
    expect(status).toBe(200);
    expect(body).toEqual([
      {
        id: posted.body.id,
        event_type: 'NULLS',
        component: null,
        value: null,
        metadata: {},
        status: null,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
      },
    ]);
  });

  it('takes names in snake_case and lowerCamelCase, and answers in snake_case', async () => {
    const { baseUrl, database } = telemetry;
    const batch = await postJson(`${baseUrl}/v1/telemetry/batch`, {
      batchId: uuidv7(),
      events: [
        { eventType: 'NAMES' },
        { event_type: 'NAMES' },
        { eventType: 'NAMES', component: 7 },
      ],
      usage: [
        { model: 'names', inputTokens: 9, outputTokens: '8', cachedTokens: 7, durationMs: 6 },
        { model: 'names', input_tokens: 9, output_tokens: 8, cached_tokens: 7, duration_ms: 6 },
        // As the application's own log_usage names them.
        {
          model: 'names',
          prompt_tokens: 9,
          completion_tokens: 8,
          cached_tokens: 7,
          duration_ms: 6,
        },
        {
          model: 'later',
          cacheWriteTokens: 5,
          cacheWrite1hTokens: 4,
          responseId: 'a',
          timeToFirstTokenMs: 3,
          ambiguous: false,
        },
        {
          model: 'later',
          cache_write_tokens: 5,
          cache_write_1h_tokens: 4,
          response_id: 'b',
          time_to_first_token_ms: 3,
        },
      ],
    });
    expect(Object.keys(batch.body)).toEqual([
      'batch_id',
      'durability',
      'duplicate',
      'events',
      'usage',
      'rejected',
      'rejections',
      'dead_lettered',
      'duplicates',
    ]);
    expect(batch.body).toMatchObject({ events: 2, usage: 5, rejected: 1 });
    const rows = await database.rows(`
      select distinct prompt_tokens, completion_tokens, cached_tokens, duration_ms
      from usage_stats where model = 'names'`);
    expect(rows).toEqual([
      { prompt_tokens: '9', completion_tokens: '8', cached_tokens: '7', duration_ms: 6 },
    ]);
    const later = await database.rows(`
      select cache_write_tokens, cache_write_1h_tokens, response_id, time_to_first_token_ms, ambiguous
      from usage_stats where model = 'later' order by response_id`);
    const counts = { cache_write_tokens: '5', cache_write_1h_tokens: '4', ambiguous: true };
    expect(later).toEqual(
      ['a', 'b'].map((response_id) => ({ ...counts, response_id, time_to_first_token_ms: 3 })),
    );
    const key = { idempotencyKey: uuidv7(), model: 'names' };
    const usage = await postJson(`${baseUrl}/v1/telemetry/usage`, key);
    expect(usage.body).toMatchObject({ success: true, message: 'usage record stored' });
    const again = await postJson(`${baseUrl}/v1/telemetry/usage`, {
      idempotency_key: key.idempotencyKey,
      model: 'names',
    });
    expect(again.body).toMatchObject({ id: usage.body.id, duplicate: true });
  });

  it('passes over fields that it does not know', async () => {
    const event = { event_type: 'UNKNOWN', severity: 'high', nested: { any: ['thing', null] } };
    const { status } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, event);
    expect(status).toBe(200);
  });

  it('gives the statistics that the deployed clients read', async () => {
    const { baseUrl } = telemetry;
    for (const [value, tokens_generated] of [
      [10, 100],
      [30, 50],
    ]) {
      const metadata = { model: 'gemma', tokens_generated, prompt_tokens: 5 };
      const event = { event_type: 'THOUGHT_LATENCY', component: 'gemma', value, metadata };
      expect((await postJson(`${baseUrl}/v1/telemetry/log`, event)).status).toBe(200);
    }
    for (const component of ['', 'gemma']) {
      const url = `${baseUrl}/v1/telemetry/stats?component=${component}&hours=24`;
      expect(await getJson(url)).toMatchObject({
        status: 200,
        body: {
          component: component || null,
          measurement_count: 2,
          avg_efficiency_score: 20,
          best_efficiency: 10,
          worst_efficiency: 30,
          total_tokens: 150,
          time_window_hours: 24,
        },
      });
    }
  });

  it('says how it is', async () => {
    expect(await getJson(`${telemetry.baseUrl}/health`)).toMatchObject({
      status: 200,
      body: { status: 'healthy', service: 'gravitas-telemetry', database: true, queue_depth: 0 },
    });
    expect(await getJson(`${telemetry.baseUrl}/readyz`)).toMatchObject({
      status: 200,
      body: { status: 'ready', reasons: [] },
    });
    expect(await getJson(`${telemetry.baseUrl}/livez`)).toMatchObject({ status: 200 });
  });
});
