import http from 'node:http';
import http2 from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  LogRequestSchema,
  StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { createDatabase, holdTable, type TestDatabase } from '../support/database.ts';
import { accountOf } from '../support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { envelope, ingestPath, openCall } from '../support/raw-call.ts';

let database: TestDatabase;
let collector: CollectorProcess;
beforeEach(async () => {
  database = await createDatabase();
  // Nothing can be spooled, so that what is not committed is refused.
  collector = await spawnCollector({ DATABASE_URL: database.url, TELEMETRY_SPOOL_BYTES_MAX: '0' });
});
afterEach(async () => {
  await collector.end('SIGTERM');
  await database.drop();
});

const received = async () => (await accountOf(collector.baseUrl)).received;
const untilReceived = () => expect.poll(received).toBe(1);

const leaveByConnect =
  (method: string, body: string, headers = {}) =>
  async (): Promise<void> => {
    const request = http.request(`${collector.baseUrl}${ingestPath(method)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    });
    request.on('error', () => {});
    request.end(body);
    await untilReceived();
    request.destroy();
  };

/** Of a stream the end does not come. */
const leaveByGrpc = (method: 'Log' | 'StreamBatches', code: number) => async (): Promise<void> => {
  const session = http2.connect(collector.baseUrl);
  const call = openCall(session, ingestPath(method), { 'content-type': 'application/grpc+proto' });
  call.on('error', () => {});
  call.write(envelope(messages[method]));
  if (method === 'Log') call.end();
  await untilReceived();
  call.close(code);
  await new Promise((resolve) => call.once('close', resolve));
  session.destroy();
};

const event = { eventType: 'LEFT' };
const messages = {
  Log: toBinary(LogRequestSchema, create(LogRequestSchema, event)),
  StreamBatches: toBinary(
    StreamBatchesRequestSchema,
    create(StreamBatchesRequestSchema, { events: [event] }),
  ),
};
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = http2.constants;

it.each([
  ['one event over HTTP/1.1', leaveByConnect('Log', '{"event_type":"LEFT"}')],
  ['a batch over HTTP/1.1', leaveByConnect('LogBatch', '{"events":[{"event_type":"LEFT"}]}')],
  [
    'a batch with a deadline',
    leaveByConnect('LogBatch', '{"events":[{"event_type":"LEFT"}]}', {
      'connect-protocol-version': '1',
      'connect-timeout-ms': '5000',
    }),
  ],
  ['by gRPC, cancelling', leaveByGrpc('Log', NGHTTP2_CANCEL)],
  ['by gRPC, with an error of its own', leaveByGrpc('Log', NGHTTP2_INTERNAL_ERROR)],
  ['a stream, cancelling', leaveByGrpc('StreamBatches', NGHTTP2_CANCEL)],
  ['a stream, with an error of its own', leaveByGrpc('StreamBatches', NGHTTP2_INTERNAL_ERROR)],
])('a caller who leaves before its refusal is no error of ours: %s', async (_, leave) => {
  const locker = await database.pool.connect();
  await holdTable(locker, 'system_telemetry in share mode');
  const refused = async () => (await accountOf(collector.baseUrl)).refused;
  try {
    await leave();
    await expect.poll(refused, { timeout: 5000 }).toBe(1);
  } finally {
    await locker.query('rollback');
    locker.release();
  }
  await collector.end('SIGTERM');
  expect(collector.logs.filter((line) => line.includes('unexpected error'))).toEqual([]);
});
