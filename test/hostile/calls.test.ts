import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, expect, it } from 'vitest';
import {
  IngestService,
  StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { Environment } from '../../src/config.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';
import { envelope, ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

let telemetry: TestCollector;
const sessions: http2.ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await telemetry.stop();
});

async function start(env: Environment): Promise<TestCollector> {
  telemetry = await startCollector(env);
  return telemetry;
}

function connect(): http2.ClientHttp2Session {
  const session = http2.connect(telemetry.baseUrl);
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

const grpc = { 'content-type': 'application/grpc+proto' };
const batch = envelope(
  toBinary(
    StreamBatchesRequestSchema,
    create(StreamBatchesRequestSchema, { events: [{ eventType: 'HOSTILE' }] }),
  ),
);

/** A stream that is open, as its first acknowledgement shows. */
async function openStream(session: http2.ClientHttp2Session): Promise<http2.ClientHttp2Stream> {
  const stream = openCall(session, ingestPath('StreamBatches'), grpc);
  stream.write(batch);
  await once(stream, 'data');
  return stream;
}

const stored = () => telemetry.database.count('select count(*) from system_telemetry');

it('refuses streams beyond the limit with a hint to retry, and leaves room for other calls', async () => {
  await start({ TELEMETRY_STREAMS_MAX: '2' });
  const session = connect();
  const [first] = await Promise.all([openStream(session), openStream(session)]);
  const refused = openCall(session, ingestPath('StreamBatches'), grpc);
  refused.end(batch);
  const { grpcStatus, grpcMessage } = await readAnswer(refused);
  expect(grpcStatus).toBe(String(Code.ResourceExhausted));
  expect(grpcMessage).toContain('2 streams');
  const { status } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'OK' });
  expect(status).toBe(200);
  first.end();
  await once(first, 'close');
  await openStream(session);
});

it('refuses calls beyond the limit, by every protocol, but never a health check', async () => {
  await start({ TELEMETRY_CALLS_MAX: '1' });
  await openStream(connect());
  const { status, headers, body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, {});
  expect(status).toBe(429);
  expect(headers.get('retry-after')).toBe('1');
  expect(body.message).toContain('1 calls');
  const query = await fetch(`${telemetry.baseUrl}/v1/telemetry/events`);
  expect(query.status).toBe(429);
  expect(query.headers.get('retry-after')).toBe('1');
  const transport = createGrpcTransport({ baseUrl: telemetry.baseUrl });
  const error = await createClient(IngestService, transport)
    .log({})
    .catch((reason) => reason);
  expect(ConnectError.from(error).code).toBe(Code.ResourceExhausted);
  expect((await fetch(`${telemetry.baseUrl}/livez`)).status).toBe(200);
});

it('refuses calls on one connection beyond the limit', async () => {
  await start({ TELEMETRY_CONNECTION_CALLS_MAX: '1' });
  const session = connect();
  await once(session, 'remoteSettings');
  expect(session.remoteSettings.maxConcurrentStreams).toBe(1);
});

it('closes connections beyond the limit', async () => {
  await start({ TELEMETRY_CONNECTIONS_MAX: '1' });
  await openStream(connect());
  const socket = net.connect(telemetry.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'close');
});

it('refuses a message when too much is being received', async () => {
  await start({ TELEMETRY_RECEIVE_BYTES_MAX: '200000' });
  const stalled = await openStream(connect());
  stalled.write(envelope(Buffer.alloc(1_000_000)).subarray(0, 150_000));
  const post = () =>
    postJson(`${telemetry.baseUrl}/v1/telemetry/log`, `{"a":"${'x'.repeat(100_000)}"}`);
  await expect.poll(async () => (await post()).status).toBe(429);
  const { headers, body } = await post();
  expect(headers.get('retry-after')).toBe('1');
  expect(body.message).toContain('200000 bytes');
  stalled.close();
  await expect.poll(async () => (await post()).status).toBe(400);
});

it('ends an idle stream, after what it sent is acknowledged', async () => {
  await start({ TELEMETRY_STREAM_IDLE_MS_MAX: '300' });
  const stream = openCall(connect(), ingestPath('StreamEvents'), grpc);
  stream.write(batch);
  stream.write(batch.subarray(0, 3));
  const { grpcStatus, grpcMessage } = await readAnswer(stream);
  expect(grpcStatus).toBe(String(Code.Unavailable));
  expect(grpcMessage).toContain('300 ms');
  expect(await stored()).toBe(1);
});

it('ends a stream that lasts too long, however busy it is', async () => {
  await start({ TELEMETRY_STREAM_MS_MAX: '500' });
  const stream = openCall(connect(), ingestPath('StreamBatches'), grpc);
  const timer = setInterval(() => stream.write(batch), 50);
  const { grpcStatus, grpcMessage } = await readAnswer(stream).finally(() => clearInterval(timer));
  expect(grpcStatus).toBe(String(Code.Unavailable));
  expect(grpcMessage).toContain('500 ms');
  expect(await stored()).toBeGreaterThan(0);
});

it('acknowledges what came before a malformed message of a stream', async () => {
  await start({});
  const stream = openCall(connect(), ingestPath('StreamBatches'), grpc);
  stream.end(Buffer.concat([batch, batch, envelope(Uint8Array.of(0x0a, 5, 1))]));
  const { grpcStatus, body } = await readAnswer(stream);
  expect(grpcStatus).toBe(String(Code.InvalidArgument));
  const acknowledgements = [];
  for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) acknowledgements.push(at);
  expect(acknowledgements).toHaveLength(2);
  expect(await stored()).toBe(2);
});

it('ends a request whose body dribbles, on HTTP/1.1 and HTTP/2', async () => {
  await start({ TELEMETRY_REQUEST_MS_MAX: '300' });
  const headers = { 'content-type': 'application/json', 'content-length': 1000 };
  const request = http.request(`${telemetry.baseUrl}/v1/telemetry/log`, {
    method: 'POST',
    headers,
  });
  request.on('error', () => {});
  const requestClosed = once(request, 'close');
  const call = openCall(connect(), ingestPath('Log'), grpc);
  const timer = setInterval(() => {
    request.write(' ');
    // A write into a stream that is over would be an error of this test's own.
    if (!call.closed) call.write(Buffer.alloc(1));
  }, 50);
  const answer = readAnswer(call);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  expect(response.statusCode).toBe(503);
  expect(response.headers['retry-after']).toBe('1');
  response.resume();
  expect(await answer).toMatchObject({ grpcStatus: String(Code.Unavailable) });
  await requestClosed;
  clearInterval(timer);
});

it("lets a client's deadline end the call, not the storage", async () => {
  await start({});
  const transport = createConnectTransport({ baseUrl: telemetry.baseUrl, httpVersion: '2' });
  async function* endless() {
    yield { events: [{ eventType: 'HOSTILE' }] };
    await new Promise(() => {});
  }
  const client = createClient(IngestService, transport);
  const error = await client.streamEvents(endless(), { timeoutMs: 300 }).catch((reason) => reason);
  expect(ConnectError.from(error).code).toBe(Code.DeadlineExceeded);
  await expect.poll(stored).toBe(1);
});

it.each([
  ['grpc-timeout', '99999999H', 'application/grpc+proto', batch],
  ['connect-timeout-ms', '9999999999', 'application/proto', batch.subarray(5)],
])('takes a far deadline for none: %s %s', async (name, value, contentType, body) => {
  await start({});
  const call = openCall(connect(), ingestPath('LogBatch'), {
    'content-type': contentType,
    [name]: value,
  });
  call.end(body);
  expect((await readAnswer(call)).grpcStatus ?? '0').toBe('0');
  expect(await stored()).toBe(1);
});
