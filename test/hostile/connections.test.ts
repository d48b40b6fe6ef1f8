import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { frame, frameFlags, preface, repeated, settings } from '../support/http2-frames.ts';
import { ingestPath, openCall } from '../support/raw-call.ts';

let telemetry: TestCollector;
afterEach(() => telemetry.stop());

async function start(env: Environment): Promise<void> {
  telemetry = await startCollector(env);
}

/** Sends bytes and gives what comes back until the collector closes the connection. */
async function untilClosed(...pieces: (string | Uint8Array)[]): Promise<string> {
  const socket = net.connect(telemetry.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

const isWell = async () => expect((await fetch(`${telemetry.baseUrl}/livez`)).status).toBe(200);

it('closes a connection that says nothing', async () => {
  await start({ TELEMETRY_HEADER_MS_MAX: '200' });
  expect(await untilClosed()).toBe('');
  expect(await untilClosed('PR')).toBe('');
});

it('closes a connection whose header dribbles', async () => {
  await start({ TELEMETRY_HEADER_MS_MAX: '300' });
  expect(await untilClosed('POST /v1/telemetry/log HTTP/1.1\r\nhost: x\r\n')).toMatch(
    /^HTTP\/1.1 408/,
  );
});

it('refuses a large header on HTTP/1.1', async () => {
  await start({ TELEMETRY_HEADER_BYTES_MAX: '2048' });
  const header = `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(3000)}\r\n\r\n`;
  expect(await untilClosed(header)).toMatch(/^HTTP\/1.1 431/);
});

it('refuses a large header on HTTP/2', async () => {
  await start({ TELEMETRY_HEADER_BYTES_MAX: '2048' });
  const session = http2.connect(telemetry.baseUrl);
  // The limit holds from when the client knows it; before that, the library's own of 64 KiB does.
  await once(session, 'remoteSettings');
  await new Promise((resolve) => session.ping(resolve));
  const call = openCall(session, ingestPath('Log'), { x: 'a'.repeat(3000) });
  await expect(once(call, 'response')).rejects.toThrow('NGHTTP2_ENHANCE_YOUR_CALM');
  session.destroy();
});

it('closes an HTTP/2 connection without calls, though it sends PINGs', async () => {
  await start({ TELEMETRY_IDLE_MS_MAX: '300' });
  const session = http2.connect(telemetry.baseUrl);
  session.on('error', () => {});
  const timer = setInterval(() => !session.destroyed && session.ping(() => {}), 50);
  await once(session, 'close');
  clearInterval(timer);
});

it('closes an idle HTTP/1.1 connection', async () => {
  await start({ TELEMETRY_IDLE_MS_MAX: '200' });
  const text = await untilClosed('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(text).toMatch(/^HTTP\/1.1 200/);
});

it('ends a connection that resets calls rapidly', async () => {
  await start({ TELEMETRY_RESETS_MAX: '100' });
  const session = http2.connect(telemetry.baseUrl);
  session.on('error', () => {});
  const goaway = once(session, 'goaway');
  for (let i = 0; i < 300; i += 1) {
    const call = openCall(session, ingestPath('Log'), { 'content-type': 'application/grpc' });
    call.on('error', () => {});
    call.close(http2.constants.NGHTTP2_CANCEL);
    if (i % 50 === 0) await new Promise((resolve) => session.ping(resolve));
    if (session.destroyed || session.closed) break;
  }
  const [code] = await goaway;
  expect([
    http2.constants.NGHTTP2_ENHANCE_YOUR_CALM,
    http2.constants.NGHTTP2_INTERNAL_ERROR,
  ]).toContain(code);
  await isWell();
});

it.each([
  ['SETTINGS', settings()],
  ['PING', frame('ping', 0, 0, Buffer.alloc(8))],
])('survives a flood of %s whose answers nobody reads', async (_, flood) => {
  await start({ TELEMETRY_IDLE_MS_MAX: '1000' });
  const socket = net.connect(telemetry.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write(Buffer.concat([preface, repeated(200_000, flood)]));
  await once(socket.resume(), 'close');
  await isWell();
});

it.each([
  ['an unknown method', 'NONSENSE / HTTP/1.1\r\n\r\n'],
  ['bytes at random', Uint8Array.from({ length: 300 }, (_, index) => (index * 73) % 256)],
  ['a TLS greeting', Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0)],
  ['a frame of 16 MB', Buffer.concat([preface, Buffer.from('ffffff000000000001', 'hex')])],
  [
    'a header that is no HPACK',
    Buffer.concat([preface, frame('headers', frameFlags.endHeaders, 1, Buffer.alloc(9, 255))]),
  ],
  ['a reset of stream 0', Buffer.concat([preface, frame('reset', 0, 0, Buffer.alloc(4))])],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
])('closes a connection that sends %s', async (_, bytes) => {
  await start({});
  await untilClosed(bytes);
  await isWell();
});
