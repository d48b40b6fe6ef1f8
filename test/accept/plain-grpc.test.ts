import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  LogBatchRequestSchema,
  LogBatchResponseSchema,
  LogRequestSchema,
  LogResponseSchema,
  LogUsageRequestSchema,
  LogUsageResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { PlainCall } from '../../src/serve/plain-call.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { envelope, ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

const numRuns = Number(process.env.PLAIN_GRPC ?? 200);
let telemetry: TestCollector;
let session: http2.ClientHttp2Session;
/** What passes the library by has its turn so. */
const turns = vi.spyOn(PlainCall.prototype, 'turn');

beforeAll(async () => {
  telemetry = await startCollector();
  session = http2.connect(`http://127.0.0.1:${telemetry.port}`);
});
afterAll(async () => {
  session.close();
  await telemetry.stop();
});

const schemas = {
  Log: [LogRequestSchema, LogResponseSchema],
  LogUsage: [LogUsageRequestSchema, LogUsageResponseSchema],
  LogBatch: [LogBatchRequestSchema, LogBatchResponseSchema],
} as const;
type Method = keyof typeof schemas;

const idPattern = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** A content type with a parameter is none of the plain ones: the library serves it. */
async function answerTo(method: Method, body: Buffer, byLibrary: boolean): Promise<string> {
  const stream = openCall(session, ingestPath(method), {
    'content-type': `application/grpc+proto${byLibrary ? '; by=library' : ''}`,
  });
  stream.end(body);
  const { status, grpcStatus, grpcMessage, body: answer } = await readAnswer(stream);
  const [flag, message] = [answer[0], answer.subarray(5)];
  const said =
    answer.length > 0
      ? toJsonString(schemas[method][1], fromBinary(schemas[method][1], message))
      : '';
  return JSON.stringify({ status, grpcStatus, grpcMessage, flag, said })
    .replace(idPattern, 'ID')
    .replace('parse binary:', 'malformed protobuf:');
}

const text = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('OK', 'L1', 'größer') },
  { weight: 1, arbitrary: fc.constantFrom('', '\0', 'x'.repeat(300)) },
);
const value = fc.option(fc.double(), { nil: undefined });
const metadata = fc.option(fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })), { nil: undefined });
const event = fc.record({ eventType: text, component: text, value, metadata, status: text });
const usage = fc.record({ model: text, layer: text, promptTokens: fc.nat(), costUsd: value });
const key = fc.constantFrom('KEY', '', 'no uuid');
const keyed = (records: fc.Arbitrary<object>) =>
  fc.tuple(records, key).map(([record, idempotencyKey]) => ({ ...record, idempotencyKey }));
const requests: Readonly<Record<Method, fc.Arbitrary<object>>> = {
  Log: keyed(event),
  LogUsage: keyed(usage),
  LogBatch: fc.record({
    batchId: key,
    events: fc.array(event, { maxLength: 3 }),
    usage: fc.array(usage, { maxLength: 3 }),
  }),
};
/** Usually whole; else cut off, longer, flagged as compressed, two messages, or no message of the kind. */
const damage = fc.oneof(
  { weight: 8, arbitrary: fc.constant('none') },
  { weight: 2, arbitrary: fc.constantFrom('cut', 'longer', 'flag', 'twice', 'empty', 'noise') },
);

function damaged(kind: string, frame: Buffer): Buffer {
  if (kind === 'cut') return frame.subarray(0, frame.length - 1);
  if (kind === 'longer') return Buffer.concat([frame, Buffer.from([1])]);
  if (kind === 'flag') return Buffer.concat([Buffer.from([1]), frame.subarray(1)]);
  if (kind === 'twice') return Buffer.concat([frame, frame]);
  if (kind === 'empty') return Buffer.alloc(0);
  if (kind === 'noise') return envelope(Buffer.from([0x0a, 0xff, 0xff, 0x03, 1]));
  return frame;
}

it.each(['Log', 'LogUsage', 'LogBatch'] as const)(
  '%s by plain gRPC is answered as by the library',
  async (method) => {
    turns.mockClear();
    const [schema] = schemas[method];
    await fc.assert(
      fc.asyncProperty(requests[method], damage, async (fields, kind) => {
        const frame = () => {
          const drawn = JSON.parse(JSON.stringify(fields), (_, each) =>
            each === 'KEY' ? uuidv7() : each,
          );
          return damaged(kind, envelope(toBinary(schema, create(schema, { ...fields, ...drawn }))));
        };
        expect(await answerTo(method, frame(), false)).toBe(await answerTo(method, frame(), true));
      }),
      { numRuns },
    );
    expect(turns.mock.calls.length).toBe(numRuns);
  },
  120_000,
);

const smallest = envelope(Buffer.from([0x0a, 1, 0x41]));

it.each([
  [{ 'grpc-timeout': '1.5S' }, '3'],
  [{ 'grpc-timeout': '1' }, '3'],
  [{ 'grpc-timeout': '999999999S' }, '3'],
  [{ 'grpc-timeout': '' }, '3'],
  [{ 'grpc-timeout': '99999999S' }, '0'],
  [{ 'content-encoding': 'nonsense' }, '12'],
  [{ 'content-encoding': 'identity' }, '0'],
])('leaves to the library what it refuses by the header %s', async (headers, grpcStatus) => {
  for (const parameter of ['', '; by=library']) {
    const contentType = `application/grpc+proto${parameter}`;
    const stream = openCall(session, ingestPath('Log'), {
      'content-type': contentType,
      ...headers,
    });
    stream.end(smallest);
    expect(await readAnswer(stream)).toMatchObject({ grpcStatus });
  }
});

it.each(['', '; by=library'])(
  'stores nothing that comes after its deadline%s',
  async (parameter) => {
    const stream = openCall(session, ingestPath('Log'), {
      'content-type': `application/grpc+proto${parameter}`,
      'grpc-timeout': '20m',
    });
    const answer = readAnswer(stream);
    stream.write(smallest.subarray(0, 1));
    await sleep(100);
    if (stream.writable) stream.end(smallest.subarray(1));
    expect(await answer).toMatchObject({ grpcStatus: '4' });
  },
);

it('refuses a message that is too large before all of it has come', async () => {
  const stream = openCall(session, ingestPath('LogBatch'), { 'content-type': 'application/grpc' });
  const frame = envelope(Buffer.alloc(3 * 1024 * 1024));
  stream.write(frame.subarray(0, frame.length - 1));
  expect(await readAnswer(stream)).toMatchObject({
    grpcStatus: '8',
    grpcMessage: 'message size 3145728 is larger than configured readMaxBytes 2097152',
  });
});
