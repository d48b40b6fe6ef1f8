import http2 from 'node:http2';
import { PassThrough } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RetryInfoSchema } from '../../gen/typescript/google/rpc/error_details_pb.js';
import {
  IngestService,
  StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, holdTable, type TestDatabase } from '../support/database.ts';
import { metric } from '../support/metrics.ts';
import { envelope, ingestPath, openCall, readAnswer } from '../support/raw-call.ts';
import { keyAdmin } from './callers.ts';

const operator = { name: 'a test' };
let database: TestDatabase;
let collectors: TestCollector[];
const secrets: Record<string, string> = {};

beforeAll(async () => {
  database = await createDatabase();
  const admin = keyAdmin(database);
  const make = async (name: string, limits: object, scopes = ['ingest']) => {
    secrets[name] = (await admin.create(operator, { name, scopes, limits })).secret;
  };
  await make('shared', { recordsPerSecond: 200 });
  await make('streamed', { recordsPerSecond: 100 });
  await make('bytes', { bytesPerSecond: 1000 });
  await make('owing', { recordsPerSecond: 1 });
  await make('reader', { queryShare: 0.01 }, ['query']);
  await make('held', { bufferShare: 0.0001 });
  await make('free', {});
  await make('told', { recordsPerSecond: 1000 });
  await make('looker', {}, ['query']);
  const start = () => startCollector({ TELEMETRY_BATCH_ROWS_MAX: '1000' }, database);
  collectors = await Promise.all([start(), start(), start()]);
});
afterAll(async () => {
  await Promise.all(collectors.map((collector) => collector.stop()));
  await database.drop();
});

const url = (index: number) => (collectors[index] as TestCollector).baseUrl;

async function post(index: number, name: string, count: number) {
  const response = await fetch(`${url(index)}/v1/telemetry/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': secrets[name] as string },
    body: JSON.stringify({ events: Array(count).fill({ event_type: name }) }),
  });
  const body = (await response.json()) as { code?: string; message?: string };
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

/** Of the first collector, with a key. */
function clientOf(name: string) {
  const transport = createGrpcTransport({
    baseUrl: url(0),
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${secrets[name]}`);
        return next(request);
      },
    ],
  });
  return createClient(IngestService, transport);
}

const stored = (name: string) =>
  database.count(`select count(*) from system_telemetry where event_type = '${name}'`);

describe('a quota', () => {
  it('is told with what is used of it', async () => {
    const headers = { authorization: `Bearer ${secrets.looker}` };
    const told = async () => {
      const response = await fetch(`${url(0)}/v1/telemetry/service`, { headers });
      const { collectors } = (await response.json()) as {
        collectors: {
          answering: boolean;
          keys: { name: string; records_per_second: number; quota_share: number | null }[];
        }[];
      };
      const keys = collectors.find(({ answering }) => answering)?.keys ?? [];
      return Object.fromEntries(keys.map(({ name, ...rest }) => [name, rest]));
    };
    // From here on it is counted.
    await told();
    expect((await post(0, 'told', 20)).status).toBe(200);
    const { told: used, free } = await told();
    expect(used?.records_per_second).toBeGreaterThan(0);
    expect(used?.quota_share).toBeCloseTo((used?.records_per_second ?? 0) / 1000, 6);
    expect(free).toMatchObject({ records_per_second: 0, quota_share: null });
  });

  it('is answered with a delay, for its key alone, and counted', async () => {
    expect((await post(0, 'bytes', 50)).status).toBe(200);
    expect(await post(0, 'bytes', 1)).toMatchObject({
      status: 429,
      retryAfter: expect.stringMatching(/^\d+$/),
      body: { code: 'resource_exhausted', message: expect.stringContaining('key bytes') },
    });
    expect((await post(0, 'free', 50)).status).toBe(200);
    const value = (series: string) => metric(url(0), series);
    expect(await value('telemetry_key_records_total{key="bytes",outcome="taken"}')).toBe(50);
    expect(await value('telemetry_key_records_total{key="bytes",outcome="refused"}')).toBe(1);
    expect(await value('telemetry_requests_refused_total{reason="quota"}')).toBe(1);
  });

  it('refuses batches of a stream one by one, with a delay for each', async () => {
    const events = Array(100).fill({ eventType: 'streamed' });
    async function* batches() {
      for (let sent = 0; sent < 5; sent++) yield create(StreamBatchesRequestSchema, { events });
    }
    const client = clientOf('streamed');
    const answers = [];
    for await (const answer of client.streamBatches(batches())) answers.push(answer);
    expect(answers).toHaveLength(5);
    const refused = answers.flatMap(({ error }) => error ?? []);
    expect(refused).toHaveLength(4);
    for (const { code, retryDelay } of refused) {
      expect(code).toBe(Code.ResourceExhausted);
      expect(retryDelay && durationMs(retryDelay)).toBeGreaterThan(0);
    }
    const refusal = await client.logBatch({ events }).catch((error) => error);
    expect((refusal as ConnectError).findDetails(RetryInfoSchema)).toHaveLength(1);
    expect(await stored('streamed')).toBe(100);
  });

  it('holds for several collectors together', async () => {
    const until = async (ms: number) => {
      const endsAt = performance.now() + ms;
      const send = async (index: number) => {
        while (performance.now() < endsAt) {
          const { status } = await post(index, 'shared', 5);
          if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      await Promise.all([send(0), send(0), send(1)]);
    };
    // Until they have heard of each other.
    await until(3000);
    const before = await stored('shared');
    const beganAt = performance.now();
    await until(10_000);
    const perSecond = ((await stored('shared')) - before) / ((performance.now() - beganAt) / 1000);
    expect(perSecond).toBeGreaterThan(200 * 0.8);
    expect(perSecond).toBeLessThan(200 * 1.2);
  }, 60_000);
});

it('refuses a batch of JSON unread while something is owed', async () => {
  expect((await post(2, 'bytes', 100)).status).toBe(200);
  const response = await fetch(`${url(2)}/v1/telemetry/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': secrets.bytes as string },
    body: 'no JSON',
  });
  expect(response.status).toBe(429);
});

it('refuses the batches of streams of JSON unread while something is owed', async () => {
  expect((await post(2, 'owing', 100)).status).toBe(200);
  const session = http2.connect(url(2));
  const id = '01980000-0000-7000-8000-000000000000';
  const messages = [`{ "batch_id": "${id}", no JSON`, 'no JSON'].map((text) => Buffer.from(text));
  const refusalsOf = async (method: string, contentType: string) => {
    const headers = { 'content-type': contentType, 'x-api-key': secrets.owing };
    const stream = openCall(session, ingestPath(method), headers);
    stream.end(Buffer.concat(messages.map((message) => envelope(message))));
    const { body, grpcStatus } = await readAnswer(stream);
    return { said: body.toString('latin1'), grpcStatus };
  };
  for (const protocol of ['application/connect+json', 'application/grpc+json']) {
    const { said } = await refusalsOf('StreamBatches', protocol);
    const errors = [...said.matchAll(/"sequence":"(\d)","error":\{(.*?)"code":8,/g)];
    expect(errors.map(([, sequence, named]) => [sequence, named])).toEqual([
      ['0', `"batch_id":"${id}",`],
      ['1', expect.not.stringContaining(id)],
    ]);
  }
  expect((await refusalsOf('StreamEvents', 'application/grpc+json')).grpcStatus).toBe('8');
  session.destroy();
});

it('a share of the buffer leaves the rest of it to others', async () => {
  const blocker = await database.pool.connect();
  await holdTable(blocker, 'batch_ledger in access exclusive mode');
  const [first, second, other] = await Promise.all([
    post(2, 'held', 100),
    post(2, 'held', 100),
    post(2, 'free', 100),
  ]);
  await blocker.query('rollback');
  blocker.release();
  expect([first.status, second.status].toSorted()).toEqual([200, 429]);
  expect(other.status).toBe(200);
  const refused = [first, second].find(({ status }) => status === 429);
  expect(refused?.body.message).toContain('its share of the buffer is used up');
});

it('a share of the buffer is given back with the answer, whichever that is', async () => {
  const client = clientOf('held');
  const [batchId, other] = [uuidv7(), uuidv7()];
  const batches = [
    { batchId, events: Array(100).fill({ eventType: 'first' }) },
    { batchId, events: Array(100).fill({ eventType: 'conflict' }) },
    { events: Array(100).fill({ eventType: 'next' }) },
  ];
  const requests = new PassThrough({ objectMode: true });
  const codes: unknown[] = [];
  const send = () => requests.write(batches[codes.length]);
  send();
  for await (const { error } of client.streamBatches(requests)) {
    codes.push(error?.code);
    if (codes.length < batches.length) send();
    else requests.end();
  }
  expect(codes).toEqual([undefined, Code.AlreadyExists, undefined]);
  const answers: unknown[] = [];
  for (const batch of batches) {
    const answer = await client.logBatch({ ...batch, batchId: batch.batchId ? other : '' }).then(
      () => undefined,
      (error) => (error as ConnectError).code,
    );
    answers.push(answer);
  }
  expect(answers).toEqual(codes);
});

it('a share of queries bounds how many are in progress, and their time', async () => {
  const ask = async () => {
    const headers = { authorization: `Bearer ${secrets.reader}` };
    const response = await fetch(`${url(1)}/v1/telemetry/stats`, { headers });
    await response.arrayBuffer();
    return response.status;
  };
  const statuses = await Promise.all(Array.from({ length: 20 }, ask));
  expect(statuses.toSorted()).toEqual([200, ...Array(19).fill(429)]);
});
