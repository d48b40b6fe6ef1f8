import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { QueryError, Telemetry, type TelemetryOptions } from '../src/index.ts';
import { type LegacyFootprint, type LegacyStatistics, prettySize } from '../src/legacy.ts';
import { upTo } from './support/exactly-once.ts';

let collector: TestCollector;
let directory: ReturnType<typeof temporaryDirectory>;
beforeAll(async () => {
  collector = await startCollector();
  directory = temporaryDirectory();
});
afterAll(async () => {
  await collector.stop();
  directory.remove();
});

const client = (options: TelemetryOptions = {}) =>
  new Telemetry({ url: collector.baseUrl, spoolDirectory: directory.path, ...options });

const eventsOf = (component: string) =>
  collector.database.rows(
    `select event_type, value, status, metadata from system_telemetry
      where component = $1 order by "timestamp"`,
    [component],
  );

describe('logging', () => {
  it('stores an event as it was logged', async () => {
    await using telemetry = client();
    const timestamp = new Date(Date.now() - 60_000);
    const metadata = { gpu_id: 0, total_vram_gb: 24.5, nested: { list: [1, 'a', null, true] } };
    const fields = { component: 'as-logged', value: 12.5, metadata, status: 'OK', timestamp };
    expect(await telemetry.log('VRAM_CHECK', fields)).toBe(true);
    expect(await telemetry.flush(30)).toMatchObject({ complete: true });
    expect(await eventsOf('as-logged')).toEqual([
      { event_type: 'VRAM_CHECK', value: 12.5, status: 'OK', metadata },
    ]);
    const [event] = (await telemetry.listEvents({ component: 'as-logged' })).events;
    expect(event?.timestamp).toEqual(timestamp);
    expect(telemetry.counters()).toMatchObject({ taken: 1, delivered: 1, spooled: 0 });
  });

  it('takes the time of the call, in microseconds', async () => {
    await using telemetry = client();
    const before = Date.now();
    telemetry.log('TIMED', { component: 'timed' });
    const after = Date.now();
    await telemetry.flush();
    const [row] = await collector.database.rows<{ us: string }>(
      `select extract(epoch from "timestamp") * 1e6 as us from system_telemetry
        where component = 'timed'`,
    );
    expect(Number(row?.us)).toBeGreaterThanOrEqual(before * 1000);
    expect(Number(row?.us)).toBeLessThan((after + 1) * 1000);
  });

  it('copies metadata, so that the caller can change it', async () => {
    await using telemetry = client();
    const metadata = { step: 1 };
    telemetry.log('COPIED', { component: 'copied', metadata });
    metadata.step = 2;
    await telemetry.flush();
    expect(await eventsOf('copied')).toMatchObject([{ metadata: { step: 1 } }]);
  });

  it('stores usage', async () => {
    await using telemetry = client();
    const more = { provider: 'p', costUsd: 0.125, cachedTokens: 5, metadata: { a: 1 } };
    telemetry.logUsage('used-model', 'L2', 100, 20, 840.5, more);
    telemetry.logUsage('other-model', 'L2', 100, 20, 840.5, {
      cacheWriteTokens: 9,
      cacheWrite1hTokens: 8,
      costUsd: 1,
      costSource: 'invoice',
      timeToFirstTokenMs: 7.5,
      status: 'OK',
      errorType: 'none',
      serviceTier: 'batch',
      responseId: 'r',
      requestId: 'q',
      traceId: 't',
      spanId: 's',
      sessionId: 'c',
      agent: 'a',
      userId: 'u',
      team: 'm',
      project: 'p',
      usageRule: 'mine',
    });
    await telemetry.flush();
    const [row] = await collector.database.rows(
      `select * from usage_stats where model = 'other-model'`,
    );
    expect(row).toMatchObject({
      cache_write_tokens: '9',
      cache_write_1h_tokens: '8',
      cost_source: 'invoice',
      time_to_first_token_ms: 7.5,
      status: 'OK',
      error_type: 'none',
      service_tier: 'batch',
      response_id: 'r',
      request_id: 'q',
      trace_id: 't',
      span_id: 's',
      session_id: 'c',
      agent: 'a',
      user_id: 'u',
      team: 'm',
      project: 'p',
      usage_rule: 'mine',
    });
    const summary = await telemetry.getUsageSummary({ model: 'used-model' });
    expect(summary).toMatchObject({
      requests: 1,
      inputTokens: 100,
      outputTokens: 20,
      l2Tokens: 120,
      avgDurationMs: 840.5,
      costUsd: 0.125,
      breakdown: [{ model: 'used-model', layer: 'L2', totalTokens: 120 }],
    });
  });

  it('gives records the resource of the service, where one is named', async () => {
    await using telemetry = client({ serviceName: 'router', resource: { region: 'here' } });
    telemetry.log('NAMED', { component: 'named', metadata: { own: 1 } });
    await telemetry.flush();
    const resource = expect.objectContaining({
      'service.name': 'router',
      'host.name': expect.any(String),
      'process.pid': process.pid,
      region: 'here',
    });
    expect(await eventsOf('named')).toMatchObject([{ metadata: { own: 1, resource } }]);
  });

  it('measures with timers, as values, functions and promises', async () => {
    await using telemetry = client();
    const start = telemetry.startTimer();
    telemetry.timer('TIMER', { component: 'timers', metadata: { step: 1 } }).stop();
    expect(telemetry.timer('TIMER', { component: 'timers' }, () => 5)).toBe(5);
    expect(await telemetry.timer('TIMER', { component: 'timers' }, async () => 6)).toBe(6);
    const failing = async () => Promise.reject(new TypeError('as told'));
    await expect(telemetry.timer('TIMER', { component: 'timers' }, failing)).rejects.toThrow();
    await telemetry.flush();
    const events = await eventsOf('timers');
    expect(events.map(({ status }) => status)).toEqual(['OK', 'OK', 'OK', 'ERROR']);
    expect(events.map(({ metadata }) => metadata)).toEqual([
      { step: 1 },
      null,
      null,
      { error: 'TypeError' },
    ]);
    const longestMs = telemetry.measureLatency(start) * 1000;
    for (const { value } of events) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(longestMs);
    }
  });

  it('cuts batches by count and by bytes, and delivers without being asked', async () => {
    await using telemetry = client({ batchEventsMax: 10, batchBytesMax: 2000 });
    for (let value = 0; value < 35; value += 1) {
      telemetry.log('CUT', { component: 'cut', value, metadata: { text: 'x'.repeat(400) } });
    }
    await expect.poll(() => telemetry.counters().delivered, { timeout: 10_000 }).toBe(35);
    const values = (await eventsOf('cut')).map(({ value }) => value);
    expect(values).toEqual(Array.from({ length: 35 }, (_, value) => value));
  });
});

describe('the drop-in methods', () => {
  it('log latencies and read them back in the shapes they had', async () => {
    await using telemetry = client();
    telemetry.logLoadLatency('legacy-model', 2.5);
    telemetry.logThoughtLatency('legacy-model', 2, 100, 50);
    telemetry.logThoughtLatency('legacy-model', 4, 100);
    const efficiency = {
      component: 'legacy-model',
      measurement_count: 2,
      avg_efficiency_score: 30,
      best_efficiency: 20,
      worst_efficiency: 40,
      total_tokens: 200,
    };
    expect(await telemetry.getAggregatedEfficiency('legacy-model', 1)).toEqual(efficiency);
    expect(await telemetry.getAggregatedEfficiency(undefined, 1)).toEqual({
      components: [efficiency],
      time_window_hours: 1,
    });
    expect(await telemetry.getAggregatedEfficiency('nobody')).toEqual({});
    const [last] = await telemetry.getRecentEvents(1, 'legacy-model');
    expect(last).toEqual({
      id: expect.any(String),
      event_type: 'THOUGHT_LATENCY',
      component: 'legacy-model',
      value: 40,
      metadata: {
        model: 'legacy-model',
        inference_time_ms: 4000,
        tokens_generated: 100,
        prompt_tokens: 0,
        total_tokens: 100,
        latency_per_token_ms: 40,
      },
      status: 'OK',
      timestamp: expect.any(Date),
    });
    const [load] = await eventsOf('legacy-model');
    expect(load).toMatchObject({
      event_type: 'LOAD_LATENCY',
      value: 2.5,
      metadata: { model: 'legacy-model', load_time_ms: 2500 },
    });
  });

  it('see what the same process has logged before', async () => {
    await using telemetry = client();
    telemetry.log('SEEN', { component: 'seen' });
    expect(await telemetry.getRecentEvents(1, 'seen')).toHaveLength(1);
    telemetry.logThoughtLatency('seen', 1, 10);
    expect(await telemetry.getAggregatedEfficiency('seen')).toHaveProperty('measurement_count', 1);
  });

  it('give statistics of all events, and the best model first', async () => {
    await using telemetry = client();
    const before = await telemetry.getRecentEvents(1_000_000);
    telemetry.logThoughtLatency('b-slow-model', 9, 10);
    telemetry.logThoughtLatency('a-quick-model', 0.01, 10, 5);
    telemetry.logThoughtLatency('a-model-of-nothing', 1, 0);
    telemetry.log('ANOTHER', { component: 'other' });
    const statistics = (await telemetry.get60DayStatistics()) as LegacyStatistics;
    expect(statistics.overall).toMatchObject({
      total_measurements: before.length + 4,
      oldest_record: expect.any(Date),
      newest_record: expect.any(Date),
    });
    expect(statistics.retention_window_days).toBe(60);
    const { model_trends } = statistics;
    expect(model_trends[0]).toMatchObject({
      component: 'a-quick-model',
      avg_efficiency: 1,
      measurement_count: 1,
      total_tokens_processed: 15,
    });
    const measured = model_trends.map(({ avg_efficiency }) => avg_efficiency ?? Infinity);
    expect(measured).toEqual(measured.toSorted((a, b) => a - b));
  });

  it('give the footprint as it was: largest first, times as texts', async () => {
    await using telemetry = client();
    telemetry.log('FOOTPRINT', { component: 'footprint' });
    const footprint = (await telemetry.getTelemetryFootprint()) as LegacyFootprint;
    const sizes = footprint.table_sizes.map(({ size_bytes }) => size_bytes);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const names = footprint.table_sizes.map(({ tablename }) => tablename);
    expect(names).toEqual(expect.arrayContaining(['system_telemetry', 'usage_stats']));
    for (const { size_bytes, total_size } of footprint.table_sizes) {
      const [row] = await collector.database.rows<{ pretty: string }>(
        `select pg_size_pretty(${size_bytes}::bigint) as pretty`,
      );
      expect(total_size).toBe(row?.pretty);
    }
    expect(footprint.row_counts).toMatchObject({ system_telemetry: expect.any(Number) });
    for (const time of [footprint.oldest_telemetry_record, footprint.monitored_at]) {
      expect(time).toBe(new Date(time ?? '').toISOString());
    }
  });

  it('write sizes as PostgreSQL does', async () => {
    const sizes = Array.from({ length: 53 }, (_, bit) => 2 ** bit);
    const around = sizes.flatMap((size) => [size - 1, size, size * 1.5, size * 10 - 1, size * 10]);
    const asked = around.map(Math.floor).filter(Number.isSafeInteger);
    const rows = await collector.database.rows<{ size: string; pretty: string }>(
      'select size, pg_size_pretty(size) as pretty from unnest($1::bigint[]) as size',
      [asked],
    );
    expect(asked.map(prettySize)).toEqual(rows.map(({ pretty }) => pretty));
  });

  it('give what is empty where there is nobody to ask', async () => {
    const warn = vi.fn();
    const telemetry = client({ url: 'http://127.0.0.1:9', logger: { info: warn, warn } });
    expect(await telemetry.getRecentEvents()).toEqual([]);
    expect(await telemetry.getAggregatedEfficiency()).toEqual({});
    expect(await telemetry.get60DayStatistics()).toEqual({});
    expect(await telemetry.getTelemetryFootprint()).toEqual({});
    expect(warn).toHaveBeenCalledOnce();
    await expect(telemetry.getStats()).rejects.toThrow(QueryError);
  });

  it('get more recent events than a page has', async () => {
    await using telemetry = client();
    for (let value = 0; value < 1200; value += 1)
      telemetry.log('MANY', { component: 'many', value });
    await telemetry.flush(10);
    const events = await telemetry.getRecentEvents(1100, 'many');
    expect(events.map(({ value }) => value)).toEqual(upTo(1200).reverse().slice(0, 1100));
  });

  it('page through events, and say what is wrong with a query', async () => {
    await using telemetry = client();
    for (let value = 0; value < 5; value += 1)
      telemetry.log('PAGED', { component: 'paged', value });
    await telemetry.flush();
    const first = await telemetry.listEvents({ component: 'paged', pageSize: 3 });
    const pageToken = first.nextPageToken;
    const second = await telemetry.listEvents({ component: 'paged', pageSize: 3, pageToken });
    const values = [...first.events, ...second.events].map(({ value }) => value);
    expect(values).toEqual([4, 3, 2, 1, 0]);
    expect(second.nextPageToken).toBe('');
    await expect(telemetry.listEvents({ pageSize: -1 })).rejects.toMatchObject({
      name: 'QueryError',
      code: 'invalid_argument',
    });
  });
});
