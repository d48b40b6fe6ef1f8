import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';

const mebibyte = 1024 * 1024;
// Field 2, a length of 0: two bytes a record, of which each would become an object.
const records = Buffer.from(Uint16Array.from({ length: mebibyte - 8 }, () => 0x00_12).buffer);
/** A tag in two bytes, which leaves the message to the library. */
const unusual = Buffer.concat([Buffer.from([0x92, 0x80, 0, 0]), records]);

let database: TestDatabase;
let collector: CollectorProcess;
beforeAll(async () => {
  database = await createDatabase();
  collector = await spawnCollector({ DATABASE_URL: database.url });
});
afterAll(async () => {
  expect(await collector.end('SIGTERM')).toBe(0);
  await database.drop();
});

function envelope(message: Buffer, flags = 0): Buffer {
  const header = Buffer.alloc(5, flags);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

const path = (method: string) => `/gravitas.telemetry.v1.IngestService/${method}`;

/** Everything that is said, by Connect or gRPC-Web over HTTP/1.1. */
async function post(method: string, type: string, body: Buffer, headers = {}): Promise<string> {
  const response = await fetch(`${collector.baseUrl}${path(method)}`, {
    method: 'POST',
    headers: { 'content-type': `application/${type}`, ...headers },
    body: new Uint8Array(body),
  });
  return [...response.headers.values(), await response.text()].join(' ');
}

/** The same by gRPC. */
async function call(method: string, body: Buffer): Promise<string> {
  const session = connect(collector.baseUrl);
  const stream = session.request({
    ':method': 'POST',
    ':path': path(method),
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const said: string[] = [];
  const hear = (headers: object) => said.push(...Object.values(headers).map(String));
  stream.on('response', hear).on('trailers', hear);
  stream.end(body);
  for await (const chunk of stream) said.push(String(chunk));
  session.destroy();
  return said.join(' ');
}

const greatestMiB = (): number => {
  const status = readFileSync(`/proc/${collector.process.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
};

const ways: readonly [string, (message: Buffer) => Promise<string>][] = [
  ['Connect', (message) => post('LogBatch', 'proto', message)],
  [
    'Connect, gzip',
    (message) => post('LogBatch', 'proto', gzipSync(message), { 'content-encoding': 'gzip' }),
  ],
  ['a Connect stream', (message) => post('StreamEvents', 'connect+proto', envelope(message))],
  [
    'a Connect stream, gzip',
    (message) =>
      post('StreamEvents', 'connect+proto', envelope(gzipSync(message), 1), {
        'connect-content-encoding': 'gzip',
      }),
  ],
  ['gRPC-Web', (message) => post('LogBatch', 'grpc-web', envelope(message))],
  ['a gRPC-Web stream', (message) => post('StreamEvents', 'grpc-web', envelope(message))],
  ['gRPC', (message) => call('LogBatch', envelope(message))],
  ['a gRPC stream', (message) => call('StreamEvents', envelope(message))],
];

it.each(ways)('counts empty records before each becomes an object: %s', async (_, send) => {
  const before = greatestMiB();
  for (let time = 0; time < 2; time++) {
    for (const message of [records, unusual]) {
      const said = decodeURIComponent(await send(message));
      expect(said).toMatch(/more than 20000 records; at most 10000 are allowed/);
    }
  }
  // As objects, they would take 120 MiB each time.
  expect(greatestMiB() - before).toBeLessThan(60);
});
