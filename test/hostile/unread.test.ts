import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKeys, type Secrets } from '../security/callers.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { frame, get, post, preface, settings } from '../support/http2-frames.ts';
import { metric } from '../support/metrics.ts';
import { envelope, ingestPath, openCall } from '../support/raw-call.ts';

const [callsMax, streamsMax] = [40, 20];
let database: TestDatabase;
let secrets: Secrets;
let telemetry: TestCollector;
const sockets: net.Socket[] = [];
beforeAll(async () => {
  database = await createDatabase();
  secrets = await makeKeys(database);
  const env = {
    TELEMETRY_CALLS_MAX: String(callsMax),
    TELEMETRY_STREAMS_MAX: String(streamsMax),
    TELEMETRY_REQUEST_MS_MAX: '1000',
    TELEMETRY_RECEIVE_BYTES_MAX: '4000000',
  };
  telemetry = await startCollector(env, database);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await telemetry.stop();
  await database.drop();
});

/** A connection that lets nothing come but what says how things are. */
function withoutWindow(...frames: readonly Uint8Array[]): net.Socket {
  const socket = net.connect(telemetry.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.resume();
  socket.write(Buffer.concat([preface, settings([4, 0]), ...frames]));
  return socket;
}

const requests = (count: number, request: (stream: number) => Uint8Array) =>
  Array.from({ length: count }, (_, index) => request(2 * index + 1));
const calls = async () => await metric(telemetry.baseUrl, 'telemetry_calls');

describe('answers that nobody reads', () => {
  it('hold their calls for as long as a request may take, and no longer', async () => {
    const key = [['x-api-key', secrets.of.query]] as const;
    const socket = withoutWindow(...requests(20, (id) => get(id, '/v1/telemetry/stats', key)));
    await expect.poll(calls, { timeout: 10_000 }).toBe(20);
    await expect.poll(calls, { timeout: 10_000 }).toBe(0);
    expect(socket.destroyed).toBe(false);
  });

  it('hold calls of gRPC no longer either', async () => {
    const headers = [
      ['content-type', 'application/grpc'],
      ['x-api-key', secrets.of.ingest],
    ] as const;
    const message = envelope(Buffer.from([0x0a, 1, 0x41]));
    const socket = withoutWindow(
      ...requests(20, (id) =>
        Buffer.concat([post(id, ingestPath('Log'), headers), frame('data', 1, id, message)]),
      ),
    );
    await expect.poll(calls, { timeout: 10_000 }).toBe(20);
    await expect.poll(calls, { timeout: 10_000 }).toBe(0);
    expect(socket.destroyed).toBe(false);
  });

  it('end the connection that keeps most of them when they are too many bytes', async () => {
    const few = withoutWindow(...requests(2, (id) => get(id, '/metrics')));
    const many = withoutWindow(...requests(200, (id) => get(id, '/metrics')));
    await once(many, 'close');
    expect(few.destroyed).toBe(false);
  });
});

describe('calls that need no key', () => {
  it('leave the others to those who have one', async () => {
    const watch = '/grpc.health.v1.Health/Watch';
    const grpc = [['content-type', 'application/grpc']] as const;
    withoutWindow(
      ...requests(100, (id) => post(id, watch, grpc)),
      ...requests(100, (id) => frame('data', 1, id, envelope(new Uint8Array()))),
      ...requests(100, (id) => get(2 * 100 + id, '/nothing')),
    );
    const session = http2.connect(telemetry.baseUrl);
    const headers = { 'content-type': 'application/grpc', 'x-api-key': secrets.of.ingest };
    const open = Array.from({ length: streamsMax / 2 }, () =>
      openCall(session, ingestPath('StreamBatches'), headers),
    );
    // As the contract has it: a batch with one event.
    const batch = envelope(Buffer.from([0x12, 3, 0x0a, 1, 0x41]));
    await Promise.all(
      open.map(async (stream) => {
        stream.write(batch);
        await once(stream, 'data');
      }),
    );
    expect(await metric(telemetry.baseUrl, 'telemetry_streams')).toBe(
      streamsMax / 2 + streamsMax / 10,
    );
    session.destroy();
  });

  it('are let in again when others have ended', async () => {
    for (const socket of sockets) socket.destroy();
    await expect.poll(calls, { timeout: 10_000 }).toBe(0);
    const response = await fetch(`${telemetry.baseUrl}/grpc.health.v1.Health/Check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(200);
  });
});
