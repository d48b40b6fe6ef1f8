import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { envelope, ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

const mebibyte = 1024 * 1024;
/** What the process may hold in the worst case. */
const residentBytesMax = 256 * mebibyte;

let database: TestDatabase;
let collector: CollectorProcess;
beforeAll(async () => {
  database = await createDatabase();
  collector = await spawnCollector({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await collector.end('SIGTERM');
  await database.drop();
});

const zeros = Buffer.alloc(64 * mebibyte);
const bombs = { gzip: gzipSync(zeros), br: brotliCompressSync(zeros) };
const compressed = 1;

const calls = (['gzip', 'br'] as const).flatMap((encoding) => {
  const bomb = bombs[encoding];
  const enveloped = envelope(bomb, compressed);
  return [
    [encoding, 'Log', 'application/proto', 'content-encoding', bomb],
    [encoding, 'Log', 'application/json', 'content-encoding', bomb],
    [encoding, 'StreamBatches', 'application/connect+proto', 'connect-content-encoding', enveloped],
    [encoding, 'Log', 'application/grpc+proto', 'grpc-encoding', enveloped],
    [encoding, 'StreamEvents', 'application/grpc+proto', 'grpc-encoding', enveloped],
    [encoding, 'Log', 'application/grpc-web+proto', 'grpc-encoding', enveloped],
  ] as const;
});

it.each(calls)(
  'refuses %s bombs on %s of %s, and names the limit',
  async (encoding, method, contentType, encodingHeader, body) => {
    const session = http2.connect(collector.baseUrl);
    const headers = { 'content-type': contentType, [encodingHeader]: encoding };
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const call = openCall(session, ingestPath(method), headers);
        call.end(body);
        return await readAnswer(call);
      }),
    );
    session.destroy();
    for (const { status, grpcStatus, grpcMessage, body } of answers) {
      const text = `${status} grpc-status: ${grpcStatus} ${grpcMessage} ${body}`;
      expect(text).toMatch(/resource_exhausted|grpc-status: 8/);
      const limit = method === 'Log' ? mebibyte / 2 : 2 * mebibyte;
      expect(text).toContain(String(limit));
    }
    expect(residentBytes()).toBeLessThan(residentBytesMax);
  },
);

it('answers a body that turns out to be too large while it is being sent', async () => {
  const request = http.request(collector.baseUrl + ingestPath('Log'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  const answer = new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
  request.on('error', () => {});
  for (let sent = 0; sent <= 4; sent += 1) request.write(Buffer.alloc(mebibyte, ' '));
  expect((await answer).statusCode).toBe(429);
  request.destroy();
});

const wide = {
  numbers: `[${'1,'.repeat(900_000)}1]`,
  objects: `[${'{},'.repeat(650_000)}{}]`,
  keys: `{${keys(170_000)}}`,
  nesting: `${'['.repeat(900_000)}${']'.repeat(900_000)}`,
};

it.each(Object.entries(wide))('is not swamped by JSON that is all %s', async (_, json) => {
  const record = `{"event_type":"WIDE","metadata":{"a":${json}}}`;
  const post = (path: string, body: string) =>
    postJson(`${collector.baseUrl}/v1/telemetry/${path}`, body);
  const single = await post('log', record);
  expect(single).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
  expect(single.body.message).toContain('524288');
  const batch = await post('batch', `{"events":[${record},{"event_type":"WIDE"}]}`);
  const reason = expect.stringMatching(/ bytes long; 524288 are allowed$/);
  expect(batch).toMatchObject({
    status: 200,
    body: { events: 1, rejections: [{ index: 0, reason }] },
  });
  expect(await post('batch', `{"unknown":${json}}`)).toMatchObject({ status: 400 });
  expect(await post('batch', `{"unknown":${json},"events":[]}`)).toMatchObject({ status: 200 });
  const query = `${collector.baseUrl}/gravitas.telemetry.v1.QueryService/GetStats`;
  const refused = await postJson(query, `{"unknown":${json}}`);
  expect(refused).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
  expect(refused.body.message).toContain('150000');
  expect(residentBytes()).toBeLessThan(residentBytesMax);
});

const number = (length: number) => [
  (length & 127) | 128,
  ((length >> 7) & 127) | 128,
  ((length >> 14) & 127) | 128,
  length >> 21,
];
const field = (tag: number, body: Uint8Array) =>
  Buffer.concat([Buffer.of(tag, ...number(body.length)), body]);
const metadata = (values: number) =>
  field(
    0x22,
    field(
      0x0a,
      Buffer.concat([
        Buffer.of(0x0a, 1, 97),
        field(0x12, field(0x32, Buffer.alloc(2 * values, Buffer.of(0x0a, 0)))),
      ]),
    ),
  );

it.each([
  ['records', Buffer.alloc(200_000, Buffer.of(0x12, 0)), 400, 'at most 10000'],
  ['unknown fields', Buffer.alloc(2_000_000, Buffer.of(0x78, 1)), 200, ''],
  ['one record', field(0x12, metadata(900_000)), 200, '524288'],
  ['metadata', field(0x12, metadata(250_000)), 200, ''],
])('is not swamped by protobuf that is all %s', async (_, body, status, text) => {
  for (let i = 0; i < 3; i += 1) {
    const response = await fetch(collector.baseUrl + ingestPath('LogBatch'), {
      method: 'POST',
      headers: { 'content-type': 'application/proto' },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(text);
  }
  expect(residentBytes()).toBeLessThan(residentBytesMax);
});

function keys(count: number): string {
  return Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',');
}

function residentBytes(): number {
  const status = readFileSync(`/proc/${collector.process.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
