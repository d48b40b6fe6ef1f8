import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { openCall, readAnswer } from '../support/raw-call.ts';

let telemetry: TestCollector;
let stopped: Promise<void> | undefined;
afterEach(async () => {
  await (stopped ?? telemetry.stop());
  stopped = undefined;
});

async function start(env: Record<string, string> = {}): Promise<void> {
  telemetry = await startCollector(env);
}

function stop(): void {
  stopped = telemetry.stop();
}

const json = { 'content-type': 'application/json' };
const event = JSON.stringify({ event_type: 'LEAVING' });

/** A session on which one event has been posted. */
async function usedSession(): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(telemetry.baseUrl);
  const stream = openCall(session, '/v1/telemetry/log', json);
  stream.end(event);
  expect((await readAnswer(stream)).status).toBe(200);
  return session;
}

const goaway = async (session: http2.ClientHttp2Session) => {
  const [code, lastStreamId] = await once(session, 'goaway');
  return { code, lastStreamId };
};

it('an idle HTTP/2 connection is told which call was the last, and closed', async () => {
  await start();
  const session = await usedSession();
  const told = goaway(session);
  const closed = once(session, 'close');
  stop();
  expect(await told).toMatchObject({ code: http2.constants.NGHTTP2_NO_ERROR });
  await closed;
});

it('an HTTP/2 connection that was idle for too long is told as well', async () => {
  await start({ TELEMETRY_IDLE_MS_MAX: '200' });
  const session = await usedSession();
  expect(await goaway(session)).toMatchObject({ code: http2.constants.NGHTTP2_NO_ERROR });
});

it('an idle connection of HTTP/1.1 is closed, and one in use after its answer', async () => {
  await start({ TELEMETRY_SHUTDOWN_DELAY_MS: '700' });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = async () => {
    const request = http.get({ agent, port: telemetry.port, path: '/livez' });
    const [response] = await once(request, 'response');
    const { socket } = response;
    response.resume();
    await once(response, 'end');
    return { connection: response.headers.connection, socket: socket as net.Socket };
  };
  const first = await get();
  expect(first.connection).toBe('keep-alive');
  const closed = once(first.socket, 'close');
  stop();
  await closed;
  expect((await get()).connection).toBe('close');
  agent.destroy();
});

it('a collector that stops says so at once, and serves for as long as it is told to', async () => {
  await start({ TELEMETRY_SHUTDOWN_DELAY_MS: '1000' });
  const begun = performance.now();
  stop();
  expect(await getJson(`${telemetry.baseUrl}/readyz`)).toMatchObject({ status: 503 });
  const { status } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, event);
  expect(status).toBe(200);
  await stopped;
  expect(performance.now() - begun).toBeGreaterThanOrEqual(1000);
  const socket = net.connect(telemetry.port, '127.0.0.1');
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ECONNREFUSED');
});

it('a connection has a greatest age, and so has a stream', async () => {
  await start({ TELEMETRY_CONNECTION_MS_MAX: '300' });
  expect(await goaway(await usedSession())).toMatchObject({ code: 0 });

  const client = createClient(IngestService, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
  async function* batches() {
    yield { events: [{ eventType: 'OLD' }] };
    await new Promise<never>(() => {});
  }
  const acknowledged: unknown[] = [];
  const ending = (async () => {
    for await (const { ack } of client.streamBatches(batches())) acknowledged.push(ack);
  })();
  await expect(ending).rejects.toMatchObject({ rawMessage: expect.stringContaining('lasted') });
  expect(acknowledged).toHaveLength(1);

  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const connections: (string | undefined)[] = [];
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; ) {
    const request = http.get({ agent, port: telemetry.port, path: '/livez' });
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    connections.push(response.headers.connection);
    if (response.headers.connection === 'close') break;
  }
  expect(connections[0]).toBe('keep-alive');
  expect(connections.at(-1)).toBe('close');
  agent.destroy();
});
