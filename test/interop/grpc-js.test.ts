import { once } from 'node:events';
import { type ServiceError, status } from '@grpc/grpc-js';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BadRequestSchema,
  RetryInfoSchema,
} from '../../gen/typescript/google/rpc/error_details_pb.js';
import {
  IngestService,
  Rejection_Kind,
  type StreamBatchesResponse,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/typescript/grpc/health/v1/health_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { startJammedCollector, tooMuchForJammedBytes } from '../support/jammed-collector.ts';
import { errorDetails, GrpcJsClient } from './grpc-js-client.ts';

describe('grpc-js', () => {
  let telemetry: TestCollector;
  let client: GrpcJsClient;
  beforeAll(async () => {
    telemetry = await startCollector();
    client = new GrpcJsClient(telemetry.port);
  });
  afterAll(async () => {
    client.close();
    await telemetry.stop();
  });

  const { log, logUsage, logBatch, streamEvents, streamBatches } = IngestService.method;
  const values = async (type: string) => {
    const select = 'select value from system_telemetry where event_type = $1 order by value';
    const rows = await telemetry.database.rows<{ value: number }>(select, [type]);
    return rows.map((row) => row.value);
  };

  it('stores an event', async () => {
    const metadata = { gpu_id: 0, name: 'ü😀' };
    const event = { eventType: 'LOG', component: 'L1', value: -0.5, metadata, status: 'OK' };
    const { id, duplicate } = await client.unary(log, event);
    expect(duplicate).toBe(false);
    const rows = await telemetry.database.rows('select * from system_telemetry where id = $1', [
      id,
    ]);
    expect(rows).toMatchObject([
      { event_type: 'LOG', component: 'L1', value: -0.5, metadata, status: 'OK' },
    ]);
  });

  it('stores usage', async () => {
    const { id } = await client.unary(logUsage, {
      model: 'gpt',
      layer: 'L2',
      inputTokens: 12n,
      outputTokens: 3n,
      costUsd: 0.000123,
    });
    const rows = await telemetry.database.rows('select * from usage_stats where id = $1', [id]);
    expect(rows).toMatchObject([
      { model: 'gpt', prompt_tokens: '12', completion_tokens: '3', cost_usd: '0.000123' },
    ]);
  });

  it('stores a batch once, without its bad events', async () => {
    const batchId = uuidv7();
    const events = ['BATCH', '', 'BATCH'].map((eventType, value) => ({ eventType, value }));
    const answer = {
      batchId,
      events: 2,
      rejections: [
        { kind: Rejection_Kind.EVENT, index: 1, field: 'event_type', reason: 'is required' },
      ],
    };
    expect(await client.unary(logBatch, { batchId, events })).toMatchObject(answer);
    expect(await client.unary(logBatch, { batchId, events })).toMatchObject({
      ...answer,
      duplicate: true,
    });
    await expect(client.unary(logBatch, { batchId, events: [] })).rejects.toMatchObject({
      code: status.ALREADY_EXISTS,
    });
    expect(await values('BATCH')).toEqual([0, 2]);
  });

  it('streams batches and gets one summary', async () => {
    const { requests, answer } = client.clientStream(streamEvents);
    for (const value of [0, 1, 2]) requests.write({ events: [{ eventType: 'STREAM', value }, {}] });
    requests.end();
    expect(await answer).toMatchObject({ batches: 3n, events: 3n, rejected: 3n });
    expect(await values('STREAM')).toEqual([0, 1, 2]);
  });

  it('sends a batch, has its acknowledgement, and then sends the next', async () => {
    const batchId = uuidv7();
    const call = client.bidirectional(streamBatches);
    const batch = (id: string, value: number) => ({
      batchId: id,
      events: [{ eventType: 'TURN', value }],
    });
    const answers: StreamBatchesResponse[] = [];
    for (const turn of [batch(batchId, 0), batch(batchId, 1), batch('', 2)]) {
      call.write(turn);
      answers.push(...((await once(call, 'data')) as [StreamBatchesResponse]));
    }
    call.end();
    await once(call, 'end');
    expect(answers).toMatchObject([
      { sequence: 0n, ack: { batchId } },
      { sequence: 1n, error: { batchId, code: status.ALREADY_EXISTS } },
      { sequence: 2n, ack: { events: 1 } },
    ]);
    expect(await values('TURN')).toEqual([0, 2]);
  });

  it('names the field at fault', async () => {
    const error: ServiceError = await client
      .unary(log, { eventType: 'x'.repeat(257) })
      .catch((e) => e);
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    // Not by error.details: grpc-js leaves the semicolon in it percent-encoded.
    const description = 'event_type is 257 characters long; at most 256 are allowed';
    expect(errorDetails(error, BadRequestSchema)).toMatchObject([
      { fieldViolations: [{ field: 'event_type', description }] },
    ]);
  });

  it('asks back for what it sent', async () => {
    const component = 'asked';
    const metadata = { tokens_generated: 10, total_tokens: 30 };
    await client.unary(log, { eventType: 'THOUGHT_LATENCY', component, value: 4, metadata });
    await client.unary(logUsage, { model: component, layer: 'L2', inputTokens: 5n });
    const { method } = QueryService;
    const { events } = await client.unary(method.listEvents, { component });
    expect(events).toMatchObject([{ component, value: 4, metadata }]);
    expect(await client.unary(method.getStats, { component })).toMatchObject({
      avgEfficiencyScore: 4,
      totalTokens: 10n,
    });
    expect(await client.unary(method.getTrends, { component })).toMatchObject({
      modelTrends: [{ component, totalTokensProcessed: 30n }],
    });
    expect(await client.unary(method.getUsageSummary, { model: component })).toMatchObject({
      l2Tokens: 5n,
    });
    const { rowCounts } = await client.unary(method.getFootprint, {});
    expect(rowCounts.usage_stats).toBe(
      BigInt(await telemetry.database.count('select count(*) from usage_stats')),
    );
  });

  it('checks and watches health', async () => {
    const service = QueryService.typeName;
    expect(await client.unary(Health.method.check, { service })).toMatchObject({
      status: ServingStatus.SERVING,
    });
    const unknown = client.unary(Health.method.check, { service: 'no.such' });
    await expect(unknown).rejects.toMatchObject({ code: status.NOT_FOUND });
    const watch = client.serverStream(Health.method.watch, {});
    expect(await once(watch, 'data')).toMatchObject([{ status: ServingStatus.SERVING }]);
    watch.cancel();
    expect(await once(watch, 'error')).toMatchObject([{ code: status.CANCELLED }]);
  });
});

describe('grpc-js, at a collector whose database takes nothing', () => {
  let jammed: TestCollector;
  let client: GrpcJsClient;
  beforeAll(async () => {
    jammed = await startJammedCollector();
    client = new GrpcJsClient(jammed.port);
  });
  afterAll(async () => {
    client.close();
    await jammed.stop();
  });

  it('is told when to try again', async () => {
    const { log, logBatch } = IngestService.method;
    const unavailable: ServiceError = await client
      .unary(log, { eventType: 'HELD' })
      .catch((e) => e);
    expect(unavailable.code).toBe(status.UNAVAILABLE);
    const metadata = { text: 'x'.repeat(tooMuchForJammedBytes / 6) };
    const events = Array.from({ length: 6 }, () => ({ eventType: 'HELD', metadata }));
    const exhausted: ServiceError = await client.unary(logBatch, { events }).catch((e) => e);
    expect(exhausted.code).toBe(status.RESOURCE_EXHAUSTED);
    for (const error of [unavailable, exhausted]) {
      expect(errorDetails(error, RetryInfoSchema)).toMatchObject([{ retryDelay: { seconds: 1n } }]);
    }
  });
});
