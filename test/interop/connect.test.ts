import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BadRequestSchema,
  RetryInfoSchema,
} from '../../gen/typescript/google/rpc/error_details_pb.js';
import {
  Durability,
  IngestService,
  Rejection_Kind,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/typescript/grpc/health/v1/health_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { startJammedCollector, tooMuchForJammedBytes } from '../support/jammed-collector.ts';
import { connectClientKinds } from './connect-clients.ts';

let telemetry: TestCollector;
let jammed: TestCollector;
beforeAll(async () => {
  [telemetry, jammed] = await Promise.all([startCollector(), startJammedCollector()]);
});
afterAll(() => Promise.all([telemetry.stop(), jammed.stop()]));

describe.each(connectClientKinds)('$name', ({ name, transport }) => {
  const component = name;
  const connect = (service: typeof IngestService, to = telemetry) =>
    createClient(service, transport(to.baseUrl));
  const failure = async (call: Promise<unknown>) =>
    ConnectError.from(
      await call.then(
        () => 'no error',
        (error) => error,
      ),
    );
  const rows = (type: string) =>
    telemetry.database.rows(
      'select * from system_telemetry where component = $1 and event_type = $2 order by value',
      [component, type],
    );

  it('stores events and usage', async () => {
    const ingest = connect(IngestService);
    const metadata = { gpu_id: 0, tags: ['a', null, true], deep: { text: 'ü😀' } };
    const event = { eventType: 'LOG', component, value: 12.5, metadata, status: 'OK' };
    const { id } = await ingest.log(event);
    expect(await rows('LOG')).toMatchObject([{ id, value: 12.5, metadata, status: 'OK' }]);
    const tokens = { inputTokens: 900n, outputTokens: 80n, cachedTokens: 7n, reasoningTokens: 6n };
    const usage = { model: component, layer: 'L2', ...tokens, durationMs: 1234.5, costUsd: 0.1 };
    const stored = await ingest.logUsage(usage);
    const select = 'select * from usage_stats where id = $1';
    expect(await telemetry.database.rows(select, [stored.id])).toMatchObject([
      {
        model: component,
        layer: 'L2',
        prompt_tokens: '900',
        completion_tokens: '80',
        cached_tokens: '7',
        reasoning_tokens: '6',
        duration_ms: 1234.5,
        cost_usd: '0.1',
      },
    ]);
  });

  it('stores the good events of a batch, says what is wrong with the others, and knows it again', async () => {
    const ingest = connect(IngestService);
    const batchId = uuidv7();
    const events = [0, Number.NaN, 2].map((value) => ({ eventType: 'BATCH', component, value }));
    const usage = [{ model: component }, { layer: 'L1' }];
    const answer = {
      batchId,
      durability: Durability.COMMITTED,
      events: 2,
      usage: 1,
      rejected: 2,
      rejections: [
        { kind: Rejection_Kind.EVENT, index: 1, field: 'value' },
        { kind: Rejection_Kind.USAGE, index: 1, field: 'model', reason: 'is required' },
      ],
    };
    expect(await ingest.logBatch({ batchId, events, usage })).toMatchObject({
      ...answer,
      duplicate: false,
    });
    expect(await ingest.logBatch({ batchId, events, usage })).toMatchObject({
      ...answer,
      duplicate: true,
    });
    expect(await rows('BATCH')).toMatchObject([{ value: 0 }, { value: 2 }]);
    const other = await failure(ingest.logBatch({ batchId, events: [{ eventType: 'OTHER' }] }));
    expect(other).toMatchObject({ code: Code.AlreadyExists });
  });

  it('names the field at fault', async () => {
    const error = await failure(connect(IngestService).log({ component, status: 'OK' }));
    expect(error).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: 'event_type is required',
    });
    expect(error.findDetails(BadRequestSchema)).toMatchObject([
      { fieldViolations: [{ field: 'event_type', description: 'event_type is required' }] },
    ]);
  });

  it('is told when to try again', async () => {
    const ingest = connect(IngestService, jammed);
    const unavailable = await failure(ingest.log({ eventType: 'HELD', component }));
    expect(unavailable.code).toBe(Code.Unavailable);
    const metadata = { text: 'x'.repeat(tooMuchForJammedBytes / 6) };
    const events = Array.from({ length: 6 }, () => ({ eventType: 'HELD', metadata }));
    const exhausted = await failure(ingest.logBatch({ events }));
    expect(exhausted.code).toBe(Code.ResourceExhausted);
    for (const error of [unavailable, exhausted]) {
      expect(error.findDetails(RetryInfoSchema)).toMatchObject([{ retryDelay: { seconds: 1n } }]);
    }
  });

  it('gets everything back', async () => {
    await connect(IngestService).log({
      eventType: 'THOUGHT_LATENCY',
      component,
      value: 20,
      metadata: { tokens_generated: 50, total_tokens: 75 },
    });
    const query = createClient(QueryService, transport(telemetry.baseUrl));
    const { events } = await query.listEvents({ component, eventType: 'THOUGHT_LATENCY' });
    expect(events).toMatchObject([{ component, value: 20, metadata: { tokens_generated: 50 } }]);
    expect(await query.getStats({ component })).toMatchObject({
      measurementCount: 1n,
      avgEfficiencyScore: 20,
      totalTokens: 50n,
    });
    expect(await query.getTrends({ component })).toMatchObject({
      modelTrends: [{ component, totalTokensProcessed: 75n }],
    });
    expect(await query.getUsageSummary({ model: component })).toMatchObject({
      requests: 2n,
      l2Tokens: 980n,
    });
    expect((await query.getFootprint({})).rowCounts.system_telemetry).toBeGreaterThan(0n);
    expect(await failure(query.listEvents({ pageSize: -1 }))).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: expect.stringContaining('page_size'),
    });
  });

  it('asks for its health', async () => {
    const health = createClient(Health, transport(telemetry.baseUrl));
    const service = IngestService.typeName;
    expect(await health.check({ service })).toMatchObject({ status: ServingStatus.SERVING });
    expect((await failure(health.check({ service: 'no.such' }))).code).toBe(Code.NotFound);
    const ended = new AbortController();
    for await (const { status } of health.watch({}, { signal: ended.signal })) {
      expect(status).toBe(ServingStatus.SERVING);
      break;
    }
    ended.abort();
  });
});
