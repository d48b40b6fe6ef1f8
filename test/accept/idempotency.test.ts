import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv4, uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';
import { uuidV7At } from '../support/ids.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('a repeated id', () => {
  let telemetry: TestCollector;
  let grpc: ReturnType<typeof createClient<typeof IngestService>>;
  beforeAll(async () => {
    telemetry = await startCollector();
    grpc = createClient(IngestService, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
  });
  afterAll(() => telemetry.stop());

  const post = (name: string, body: unknown) =>
    postJson(`${telemetry.baseUrl}/v1/telemetry/${name}`, body);
  const stored = (type: string) =>
    telemetry.database.count(`select count(*) from system_telemetry where event_type = '${type}'`);

  it('gets the first answer, rejections included, and stores nothing twice', async () => {
    const timestamp = new Date(Date.now() - 1000).toISOString();
    const batch = {
      batch_id: uuidv7(),
      events: [
        { event_type: 'REPEAT', component: 'L1', value: 0.1, timestamp },
        { component: 'nameless' },
        { event_type: 'REPEAT', status: 'OK' },
      ],
      usage: [{ model: 'm', input_tokens: 5, cost_usd: 0.2 }, { layer: 'L1' }],
    };
    const first = await post('batch', batch);
    expect(first.body).toMatchObject({ duplicate: false, events: 2, usage: 1, rejected: 2 });
    const second = await post('batch', batch);
    expect(second).toMatchObject({ status: 200, body: { ...first.body, duplicate: true } });
    expect(await stored('REPEAT')).toBe(2);
    expect(await telemetry.database.count('select count(*) from usage_stats')).toBe(1);
  });

  it('is known in another encoding and by another method', async () => {
    const batchId = uuidv7();
    const seconds = Math.floor(Date.now() / 1000) - 40 * 86_400;
    const timestamp = new Date(seconds * 1000).toISOString().replace('.000Z', '.678901+00:00');
    const json = {
      batch_id: batchId.toUpperCase(),
      events: [
        { event_type: 'RECODED', component: '', value: '1e-3', metadata: { a: 1, b: 2 } },
        { event_type: 'RECODED', timestamp },
      ],
      usage: [{ model: 'm', prompt_tokens: 7, cost_usd: 1 }],
    };
    const first = (await post('batch', json)).body;
    expect(first).toMatchObject({ batch_id: batchId, events: 1, rejected: 1, usage: 1 });
    const events = [
      { eventType: 'RECODED', value: 0.001, metadata: { b: 2, a: 1 } },
      {
        eventType: 'RECODED',
        timestamp: { seconds: BigInt(seconds), nanos: 678_901_000 },
      },
    ];
    const binary = { batchId, events, usage: [{ model: 'm', inputTokens: 7n, costUsd: 1 }] };
    const { rejections, ...counts } = await grpc.logBatch(binary);
    expect(counts).toMatchObject({ batchId, duplicate: true, events: 1, rejected: 1, usage: 1 });
    expect(rejections).toMatchObject([{ index: 1, field: 'timestamp' }]);
    async function* one() {
      yield binary;
    }
    expect(await grpc.streamEvents(one())).toMatchObject({
      batches: 1n,
      duplicateBatches: 1n,
      events: 1n,
      rejected: 1n,
      rejections: [{ batchId, index: 1, field: 'timestamp' }],
    });
    for await (const { ack } of grpc.streamBatches(one())) {
      expect(ack).toMatchObject({ duplicate: true, events: 1, rejected: 1 });
    }
    expect(await stored('RECODED')).toBe(1);
  });

  it('is refused with other content', async () => {
    const batch_id = uuidv7();
    const event = { event_type: 'OTHER', component: 'L1', value: 1, status: 'OK' };
    await post('batch', { batch_id, events: [event] });
    const others = [
      [],
      [event, event],
      [{ ...event, event_type: 'OTHERS' }],
      [{ ...event, component: 'L2' }],
      [{ ...event, value: 1.5 }],
      [{ ...event, value: null }],
      [{ ...event, status: '' }],
      [{ ...event, timestamp: new Date().toISOString() }],
      [42],
    ];
    for (const events of others) {
      expect(await post('batch', { batch_id, events })).toMatchObject({
        status: 409,
        body: { code: 'already_exists', message: expect.stringContaining(batch_id) },
      });
    }
    expect(await stored('OTHER')).toBe(1);
  });

  it('is reported in its acknowledgement, and the stream goes on', async () => {
    const batchId = uuidv7();
    const transport = createConnectTransport({
      baseUrl: telemetry.baseUrl,
      httpVersion: '2',
      useBinaryFormat: false,
    });
    async function* batches() {
      yield { batchId, events: [{ eventType: 'ACKED', value: 1 }] };
      yield { batchId, events: [{ eventType: 'ACKED', value: 2 }] };
      yield { batchId: uuidV7At(Date.now() - 15 * dayMs), events: [{ eventType: 'ACKED' }] };
      yield { events: [{ eventType: 'ACKED', value: 3 }] };
    }
    const answers = [];
    for await (const answer of createClient(IngestService, transport).streamBatches(batches())) {
      answers.push(answer);
    }
    expect(answers).toMatchObject([
      { sequence: 0n, ack: { batchId, events: 1 } },
      { sequence: 1n, error: { batchId, code: 6 } },
      { sequence: 2n, error: { code: 3, message: expect.stringContaining('batch_id') } },
      { sequence: 3n, ack: { events: 1 } },
    ]);
    expect(answers.map(({ error }) => error?.retryDelay)).toEqual(Array(4).fill(undefined));
    expect(await stored('ACKED')).toBe(2);
  });

  it('is refused when it is no UUIDv7 of the last 14 days', async () => {
    const now = Date.now();
    const refused = [
      [
        uuidV7At(now - 14 * dayMs - 1000),
        'is older than 14 days: a repetition can no longer be told',
      ],
      [uuidV7At(now + 61 * 60_000), "is more than 60 minutes ahead of the collector's clock"],
      [uuidv4(), 'is not a UUIDv7'],
      ['7', 'is not a UUIDv7'],
    ];
    for (const [id, reason] of refused) {
      for (const [method, idField, record] of [
        ['batch', 'batch_id', { events: [{ event_type: 'REFUSED' }] }],
        ['log', 'idempotency_key', { event_type: 'REFUSED' }],
        ['usage', 'idempotency_key', { model: 'refused' }],
      ] as const) {
        expect(await post(method, { ...record, [idField]: id })).toMatchObject({
          status: 400,
          body: { code: 'invalid_argument', message: `${idField} ${reason}` },
        });
      }
    }
    for (const id of [uuidV7At(now - 14 * dayMs + 60_000), uuidV7At(now + 59 * 60_000)]) {
      const { body } = await post('batch', { batch_id: id, events: [{ event_type: 'TAKEN' }] });
      expect(body).toMatchObject({ batch_id: id, events: 1 });
    }
    expect(await stored('REFUSED')).toBe(0);
  });

  it('of one event or usage record works the same', async () => {
    const event = { event_type: 'KEYED', idempotency_key: uuidv7() };
    const first = await post('log', event);
    const again = await post('log', event);
    const { id } = first.body;
    expect(first.body).toMatchObject({ duplicate: false });
    expect(again).toMatchObject({ status: 200, body: { success: true, id, duplicate: true } });
    expect(await post('log', { ...event, value: 1 })).toMatchObject({ status: 409 });
    const usage = { model: 'keyed', idempotency_key: uuidv7() };
    const firstUsage = (await post('usage', usage)).body;
    const repeated = await grpc.logUsage({ model: 'keyed', idempotencyKey: usage.idempotency_key });
    expect(repeated).toMatchObject({ id: firstUsage.id, duplicate: true });
    expect(await stored('KEYED')).toBe(1);
  });

  it('of a rejected event is rejected again', async () => {
    const event = { event_type: '', idempotency_key: uuidv7() };
    const message = 'event_type is required';
    for (let times = 0; times < 2; times++) {
      expect(await post('log', event)).toMatchObject({ status: 400, body: { message } });
    }
  });

  it('sent 50 times at once is stored once', async () => {
    const idempotencyKey = uuidv7();
    const event = { event_type: 'AT_ONCE', idempotency_key: idempotencyKey };
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        index % 2 === 0
          ? (await post('log', event)).body
          : await grpc.log({ eventType: 'AT_ONCE', idempotencyKey }),
      ),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(await stored('AT_ONCE')).toBe(1);
  });
});
