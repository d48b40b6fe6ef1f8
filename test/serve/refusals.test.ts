import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { uuidv7 } from 'uuidv7';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamBatchesRequestSchema } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { Environment } from '../../src/config.ts';
import { refusalReasons } from '../../src/serve/refusals.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { startJammedCollector, tooMuchForJammedBytes } from '../support/jammed-collector.ts';
import { envelope, ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

let telemetry: TestCollector;
const sessions: http2.ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await telemetry.stop();
});

async function start(env: Environment = {}): Promise<void> {
  telemetry = await startCollector(env);
}

/** How many were refused, by reason; those of which there were none are left out. */
async function refused(): Promise<Record<string, number>> {
  const text = await (await fetch(`${telemetry.baseUrl}/metrics`)).text();
  const series = text.matchAll(/^telemetry_requests_refused_total\{reason="(\w+)"\} (\d+)$/gm);
  const counts = [...series].map(([, reason = '', count]) => [reason, Number(count)] as const);
  expect(counts.map(([reason]) => reason)).toEqual(refusalReasons);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

const log = (body: unknown) => postJson(`${telemetry.baseUrl}/v1/telemetry/log`, body);

function call(method: string, contentType: string): http2.ClientHttp2Stream {
  const session = http2.connect(telemetry.baseUrl);
  sessions.push(session);
  return openCall(session, ingestPath(method), { 'content-type': contentType });
}

const batch = (init: object = { events: [{ eventType: 'REFUSED' }] }) =>
  envelope(toBinary(StreamBatchesRequestSchema, create(StreamBatchesRequestSchema, init)));
const grpc = 'application/grpc+proto';

/** Opens a stream, and keeps it open. */
async function openStream(): Promise<http2.ClientHttp2Stream> {
  const stream = call('StreamBatches', grpc);
  stream.write(batch());
  await once(stream, 'data');
  return stream;
}

async function answerTo(method: string, contentType: string, body: Uint8Array): Promise<void> {
  const stream = call(method, contentType);
  stream.end(body);
  await readAnswer(stream);
}

it('counts nothing while all is well', async () => {
  await start();
  await log({ event_type: 'FINE' });
  await (await openStream()).close();
  expect(await refused()).toEqual({});
});

describe('requests that nobody reads', () => {
  it('are counted by path, method and content type', async () => {
    await start();
    await getJson(`${telemetry.baseUrl}/nothing`);
    await getJson(`${telemetry.baseUrl}/v1/telemetry/log`);
    const request = { method: 'POST', body: 'x' };
    await fetch(`${telemetry.baseUrl}/v1/telemetry/log`, request);
    await fetch(telemetry.baseUrl + ingestPath('Log'), request);
    expect(await refused()).toEqual({ not_found: 1, method: 1, content_type: 2 });
  });

  const malformed = Uint8Array.of(0x0a, 5, 1);
  it.each([
    ['Log', 'application/json', Buffer.from('{')],
    ['Log', 'application/proto', malformed],
    ['LogBatch', 'application/grpc-web+proto', envelope(malformed)],
    ['LogUsage', grpc, envelope(malformed)],
    ['StreamBatches', grpc, envelope(malformed)],
    ['StreamEvents', grpc, batch().subarray(0, 7)],
    ['StreamBatches', 'application/connect+json', envelope(Buffer.from('{'))],
  ])('are counted as malformed: %s by %s', async (method, contentType, body) => {
    await start();
    await answerTo(method, contentType, body);
    expect(await refused()).toEqual({ malformed: 1 });
  });

  const large = Buffer.alloc(2000, ' ');
  it.each([
    ['Log', 'application/json', large],
    ['LogBatch', 'application/proto', large],
    ['LogBatch', 'application/grpc-web+proto', envelope(large)],
    ['LogBatch', grpc, envelope(large)],
    ['StreamBatches', grpc, envelope(large)],
    ['StreamEvents', 'application/connect+json', envelope(large)],
  ])('are counted as too large: %s by %s', async (method, contentType, body) => {
    await start({ TELEMETRY_MESSAGE_BYTES_MAX: '1024' });
    await answerTo(method, contentType, body);
    expect(await refused()).toEqual({ too_large: 1 });
  });

  it('are counted as too large for their number of values', async () => {
    await start({ TELEMETRY_JSON_VALUES_MAX: '100' });
    const query = '/gravitas.telemetry.v1.QueryService/GetStats';
    await postJson(telemetry.baseUrl + query, { unknown: Array(200).fill(1) });
    expect(await refused()).toEqual({ too_large: 1 });
  });
});

describe('requests beyond a limit', () => {
  it('are counted by connections', async () => {
    await start({ TELEMETRY_CONNECTIONS_MAX: '2' });
    // Node's fetch keeps the connection that it has asked for the metrics with.
    await refused();
    await openStream();
    const socket = net.connect(telemetry.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'close');
    expect(await refused()).toEqual({ connections: 1 });
  });

  it('are counted by calls', async () => {
    await start({ TELEMETRY_CALLS_MAX: '1' });
    await openStream();
    await log({});
    await answerTo('Log', grpc, batch());
    await fetch(`${telemetry.baseUrl}/v1/telemetry/events`);
    expect(await refused()).toEqual({ calls: 3 });
  });

  it('are counted by streams, in every protocol', async () => {
    await start({ TELEMETRY_STREAMS_MAX: '1' });
    await openStream();
    await answerTo('StreamBatches', grpc, batch());
    await answerTo('StreamEvents', 'application/grpc-web+proto', batch());
    await answerTo('StreamEvents', 'application/connect+proto', batch());
    expect(await refused()).toEqual({ streams: 3 });
  });

  it('are counted by bytes that are being received', async () => {
    await start({ TELEMETRY_RECEIVE_BYTES_MAX: '20000' });
    await log(`{"a":"${'x'.repeat(30_000)}"}`);
    await answerTo('LogBatch', 'application/grpc-web+proto', envelope(Buffer.alloc(30_000)));
    expect(await refused()).toEqual({ receiving: 2 });
  });

  it('are counted as late', async () => {
    await start({ TELEMETRY_STREAM_IDLE_MS_MAX: '100', TELEMETRY_REQUEST_MS_MAX: '100' });
    const idle = await openStream();
    await once(idle.resume(), 'end');
    const dribbling = call('Log', grpc);
    dribbling.write(Buffer.alloc(1));
    await readAnswer(dribbling);
    expect(await refused()).toEqual({ late: 2 });
  });
});

describe('what handlers refuse', () => {
  it('is counted as invalid or as a conflict, batches of streams one by one', async () => {
    await start();
    await log({ event_type: 'KEYED', idempotency_key: 'x' });
    await log({});
    const id = uuidv7();
    const reused = (value: number) => ({ event_type: 'KEYED', idempotency_key: id, value });
    await log(reused(1));
    await log(reused(2));
    const first = { batchId: uuidv7(), events: [{ eventType: 'KEYED' }] };
    const others = [{ ...first, events: [] }, { ...first, batchId: 'x' }, first];
    await answerTo('StreamBatches', grpc, Buffer.concat([first, ...others].map(batch)));
    expect(await refused()).toEqual({ invalid: 3, conflict: 2 });
  });

  it('is counted as overloaded or unavailable', async () => {
    telemetry = await startJammedCollector();
    expect((await log({ event_type: 'HELD' })).status).toBe(503);
    const text = 'x'.repeat(tooMuchForJammedBytes / 6);
    const events = Array.from({ length: 6 }, () => ({ event_type: 'HELD', metadata: { text } }));
    const { status } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, { events });
    expect(status).toBe(429);
    expect(await refused()).toEqual({ overloaded: 1, unavailable: 1 });
  });
});
