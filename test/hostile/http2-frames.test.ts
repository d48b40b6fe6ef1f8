import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import {
  field,
  fields,
  frame,
  frameFlags,
  get,
  lastKept,
  post,
  preface,
  pseudoFields,
  repeated,
  settings,
  uint32,
} from '../support/http2-frames.ts';
import { metric } from '../support/metrics.ts';
import { patient } from '../support/patient.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

const { endStream, ack, endHeaders, padded, priority } = frameFlags;
/** What the floods leave to be collected is among it. */
const mostBytes = 512 * 1024 * 1024;

let database: TestDatabase;
let collector: CollectorProcess;
let session: http2.ClientHttp2Session;
const attackers: net.Socket[] = [];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  database = await createDatabase();
  collector = await spawnCollector({ DATABASE_URL: database.url, ...patient });
  session = http2.connect(collector.baseUrl);
});
afterEach(() => {
  for (const socket of attackers.splice(0)) socket.destroy();
});
afterAll(async () => {
  session.destroy();
  agent.destroy();
  await collector.end('SIGTERM');
  await database.drop();
});

/** Over the same two connections all the time. */
async function othersGoOn(): Promise<void> {
  const call = openCall(session, ingestPath('Log'), { 'content-type': 'application/json' });
  call.end('{"event_type":"BESIDE"}');
  expect((await readAnswer(call)).status).toBe(200);
  const request = http.request(`${collector.baseUrl}/v1/telemetry/log`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json' },
  });
  request.end('{"event_type":"BESIDE"}');
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await text(response);
  expect(response.statusCode).toBe(200);
}

/** Sends bytes after the beginning of a connection; `reads`: whether anything of the answer is read. */
function attack(bytes: Uint8Array, reads = true): net.Socket {
  const socket = net.connect(collector.port, '127.0.0.1');
  attackers.push(socket);
  socket.on('error', () => {});
  if (reads) socket.resume();
  socket.write(preface);
  socket.write(bytes);
  return socket;
}

const stream = {
  path: ingestPath('StreamBatches'),
  head: [['content-type', 'application/grpc']],
} as const;
const open = (id: number) => post(id, stream.path, stream.head);
const each = (count: number, bytes: (id: number) => Uint8Array) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => bytes(2 * index + 1)));
const request = (...list: Parameters<typeof fields>) =>
  frame('headers', endStream | endHeaders, 1, fields(...list));
const largest = 2 ** 31 - 1;

/** What breaks the protocol for the whole connection, which is ended. */
const violations: Record<string, Uint8Array> = {
  'a frame of DATA that is too large': Buffer.concat([
    open(1),
    frame('data', 0, 1, Buffer.alloc(16_385)),
  ]),
  'a frame of HEADERS that is too large': frame('headers', endHeaders, 1, Buffer.alloc(16_385)),
  'an unknown frame that is too large': frame('unknown', 0, 0, Buffer.alloc(16_385)),
  'a frame of 16 MB by its own words': frame('data', 0, 1, Buffer.alloc(10), 0xff_ff_ff),
  'HEADERS of stream 0': frame('headers', endHeaders, 0, fields(pseudoFields('GET', '/livez'))),
  'HEADERS of an even stream': get(2, '/livez'),
  'DATA of stream 0': frame('data', 0, 0, Buffer.alloc(8)),
  'DATA of a stream that is not there': frame('data', 0, 7, Buffer.alloc(8)),
  'a reset of stream 0': frame('reset', 0, 0, uint32(8)),
  'a reset of a stream that is not there': frame('reset', 0, 9, uint32(8)),
  'a reset of no length': Buffer.concat([open(1), frame('reset', 0, 1)]),
  'a window of a stream that is not there': frame('windowUpdate', 0, 9, uint32(1)),
  'a window of nothing': frame('windowUpdate', 0, 0, uint32(0)),
  'a window of three bytes': frame('windowUpdate', 0, 0, Buffer.alloc(3)),
  'a window beyond all bounds': frame('windowUpdate', 0, 0, uint32(largest)),
  'SETTINGS of a stream': frame('settings', 0, 1),
  'SETTINGS of five bytes': frame('settings', 0, 0, Buffer.alloc(5)),
  'an acknowledgement of SETTINGS with some': frame('settings', ack, 0, Buffer.alloc(6)),
  'a first window beyond all bounds': settings([4, 2 ** 31]),
  'a window that SETTINGS overflow': Buffer.concat([
    open(1),
    frame('windowUpdate', 0, 1, uint32(largest - 65_535)),
    settings([4, largest]),
  ]),
  'frames that may be too small': settings([5, 100]),
  'frames that may be too large': settings([5, 2 ** 24]),
  'a push that is neither on nor off': settings([2, 2]),
  'a promise of a push': frame(
    'pushPromise',
    endHeaders,
    1,
    Buffer.concat([uint32(2), fields([])]),
  ),
  'a PING of seven bytes': frame('ping', 0, 0, Buffer.alloc(7)),
  'a PING of a stream': frame('ping', 0, 1, Buffer.alloc(8)),
  'a GOAWAY of a stream': frame('goaway', 0, 1, uint32(0, 0)),
  'a priority of four bytes': Buffer.concat([open(1), frame('priority', 0, 1, Buffer.alloc(4))]),
  'CONTINUATION of nothing': frame('continuation', endHeaders, 1, fields([])),
  'CONTINUATION of another stream': Buffer.concat([
    frame('headers', endStream, 1, fields(pseudoFields('GET', '/livez'))),
    frame('continuation', endHeaders, 3),
  ]),
  'another frame between HEADERS and CONTINUATION': Buffer.concat([
    frame('headers', endStream, 1, fields(pseudoFields('GET', '/livez'))),
    frame('ping', 0, 0, Buffer.alloc(8)),
  ]),
  'padding that is longer than the frame': Buffer.concat([
    open(1),
    frame('data', padded, 1, Buffer.from([9, 1])),
  ]),
  'an index of no table': frame(
    'headers',
    endStream | endHeaders,
    1,
    Buffer.from([0xff, 0xff, 0xff, 0x0f]),
  ),
  'an integer without end': frame('headers', endStream | endHeaders, 1, Buffer.alloc(40, 0xff)),
  'a text that is longer than the frame': frame(
    'headers',
    endStream | endHeaders,
    1,
    Buffer.from([0, 0x7f, 1]),
  ),
  'no beginning of HTTP/2': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
};

/** What is wrong with one stream, which is refused or reset; and what is odd, and no harm. */
const oddities: Record<string, Uint8Array> = {
  'HEADERS of a stream before the last': Buffer.concat([get(5, '/livez'), get(3, '/livez')]),
  'a request without a method': request([
    [':scheme', 'http'],
    [':path', '/livez'],
  ]),
  'a request without a path': request([
    [':method', 'GET'],
    [':scheme', 'http'],
  ]),
  'an empty path': request(pseudoFields('GET', '')),
  'two paths': request([...pseudoFields('GET', '/livez'), [':path', '/metrics']]),
  'a pseudo header behind others': request([['a', 'b'], ...pseudoFields('GET', '/livez')]),
  'a pseudo header that nobody knows': request([...pseudoFields('GET', '/livez'), [':a', 'b']]),
  'a name in capitals': request([...pseudoFields('GET', '/livez'), ['X-A', 'b']]),
  'a name without letters': request([...pseudoFields('GET', '/livez'), ['', 'b']]),
  'a line feed in a value': request([...pseudoFields('GET', '/livez'), ['a', 'b\r\nc: d']]),
  'NUL in a value': request([...pseudoFields('GET', '/livez'), ['a', 'b\0c']]),
  'a line feed in a path': request(pseudoFields('GET', '/livez\r\nx: y')),
  'a header of HTTP/1.1 connections': request([
    ...pseudoFields('GET', '/livez'),
    ['connection', 'close'],
  ]),
  'a framing of HTTP/1.1': request([
    ...pseudoFields('GET', '/livez'),
    ['transfer-encoding', 'chunked'],
  ]),
  'a length that is not that of its DATA': Buffer.concat([
    post(1, '/v1/telemetry/log', [
      ['content-type', 'application/json'],
      ['content-length', '2'],
    ]),
    frame('data', endStream, 1, Buffer.from('{"event_type":"SMUGGLED"}')),
  ]),
  'two lengths': Buffer.concat([
    post(1, '/v1/telemetry/log', [
      ['content-type', 'application/json'],
      ['content-length', '25'],
      ['content-length', '2'],
    ]),
    frame('data', endStream, 1, Buffer.from('{"event_type":"SMUGGLED"}')),
  ]),
  'a tunnel': request([
    [':method', 'CONNECT'],
    [':authority', 'localhost:22'],
  ]),
  'DATA behind the end of a stream': Buffer.concat([
    get(1, '/livez'),
    frame('data', 0, 1, Buffer.alloc(8)),
  ]),
  'HEADERS behind the end of a stream': Buffer.concat([get(1, '/livez'), get(1, '/livez')]),
  'trailers that do not end a stream': Buffer.concat([
    open(1),
    frame('headers', endHeaders, 1, fields([['a', 'b']])),
  ]),
  'a window of a stream by nothing': Buffer.concat([
    open(1),
    frame('windowUpdate', 0, 1, uint32(0)),
  ]),
  'a window of a stream beyond all bounds': Buffer.concat([
    open(1),
    frame('windowUpdate', 0, 1, uint32(largest)),
  ]),
  'a stream that depends on itself': frame(
    'headers',
    endStream | endHeaders | priority,
    1,
    Buffer.concat([uint32(1), Buffer.from([0]), fields(pseudoFields('GET', '/livez'))]),
  ),
  'a header list of 60 KB in one frame after the other': Buffer.concat([
    frame('headers', endStream, 1, fields(pseudoFields('GET', '/livez'))),
    ...Array.from({ length: 6 }, () => frame('continuation', 0, 1, field('a', 'b'.repeat(10_000)))),
    frame('continuation', endHeaders, 1),
  ]),
  'a header of ten thousand lines': Buffer.concat([
    frame('headers', endStream, 1, fields(pseudoFields('GET', '/livez'))),
    ...Array.from({ length: 10 }, () =>
      frame('continuation', 0, 1, repeated(1000, field('a', 'b'))),
    ),
    frame('continuation', endHeaders, 1),
  ]),
  'a line of the table ten thousand times': Buffer.concat([
    frame(
      'headers',
      0,
      1,
      Buffer.concat([fields(pseudoFields('GET', '/livez')), field('a', 'b'.repeat(4000), true)]),
    ),
    frame('continuation', endHeaders, 1, repeated(10_000, lastKept)),
  ]),
  'a table of 4 GB': Buffer.concat([settings([1, 2 ** 32 - 1]), get(1, '/livez')]),
  'settings that nobody knows': Buffer.concat([settings([0xaa, 7], [0xbb, 8]), get(1, '/livez')]),
  'frames that nobody knows': Buffer.concat([
    repeated(1000, frame('unknown', 255, 3, Buffer.alloc(100))),
    get(1, '/livez'),
  ]),
};

const reset = (id: number) => frame('reset', 0, id, uint32(8));
const query = (id: number) => get(id, '/v1/telemetry/stats?hours=24');

/** Much of what is cheap to send and dear to receive. */
const floods: Record<string, Uint8Array> = {
  'streams that are reset at once': each(20_000, (id) => Buffer.concat([open(id), reset(id)])),
  'questions that are reset at once': each(5000, (id) => Buffer.concat([query(id), reset(id)])),
  'streams that have to be reset': each(20_000, (id) =>
    Buffer.concat([open(id), frame('windowUpdate', 0, id, uint32(0))]),
  ),
  'questions that have to be reset': each(5000, (id) =>
    Buffer.concat([query(id), frame('windowUpdate', 0, id, uint32(0))]),
  ),
  'streams beyond the most': each(20_000, open),
  'empty CONTINUATION without end': Buffer.concat([
    frame('headers', endStream, 1, fields(pseudoFields('GET', '/livez'))),
    repeated(100_000, frame('continuation', 0, 1)),
  ]),
  'CONTINUATION without end': Buffer.concat([
    frame('headers', endStream, 1, fields(pseudoFields('GET', '/livez'))),
    repeated(2000, frame('continuation', 0, 1, field('a', 'b'.repeat(4000)))),
  ]),
  SETTINGS: repeated(200_000, settings()),
  'SETTINGS that change all windows': Buffer.concat([
    each(100, open),
    repeated(20_000, Buffer.concat([settings([4, 0]), settings([4, 1_000_000])])),
  ]),
  PING: repeated(200_000, frame('ping', 0, 0, Buffer.alloc(8))),
  'answers to no PING': repeated(200_000, frame('ping', ack, 0, Buffer.alloc(8))),
  priorities: each(100_000, (id) =>
    frame('priority', 0, id, Buffer.concat([uint32(0), Buffer.from([7])])),
  ),
  'empty DATA': Buffer.concat([open(1), repeated(300_000, frame('data', 0, 1))]),
  'padding alone': Buffer.concat([
    open(1),
    repeated(
      10_000,
      frame('data', padded, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)])),
    ),
  ]),
  'windows by a byte': Buffer.concat([
    open(1),
    repeated(300_000, frame('windowUpdate', 0, 1, uint32(1))),
  ]),
  farewells: repeated(50_000, frame('goaway', 0, 0, uint32(0, 0))),
  'answers that nobody lets come': Buffer.concat([
    settings([4, 0]),
    each(250, (id) => get(id, '/metrics')),
  ]),
};

describe('ends a connection, and no other, that sends', () => {
  it.each(Object.entries(violations))('%s', async (_name, bytes) => {
    await once(attack(bytes), 'close');
    await othersGoOn();
  });
});

describe('goes on with all others beside', () => {
  it.each(Object.entries(oddities))('%s', async (_name, bytes) => {
    const socket = attack(Buffer.concat([bytes, frame('ping', 0, 0, Buffer.alloc(8))]));
    // Something is said to it, at the least the answer to the PING.
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    await othersGoOn();
  });

  it.each(
    Object.entries(floods).flatMap(([name, bytes]) => [
      [name, bytes, true] as const,
      [`${name}, with nothing read`, bytes, false] as const,
    ]),
  )('%s', async (_name, bytes, reads) => {
    attack(bytes, reads);
    await othersGoOn();
    await othersGoOn();
  });
});

it('is the same process with the same memory after all that, and nobody is left on it', async () => {
  await expect
    .poll(() => metric(collector.baseUrl, 'telemetry_calls'), { timeout: 20_000 })
    .toBe(0);
  await expect
    .poll(() => metric(collector.baseUrl, 'telemetry_connections'), { timeout: 20_000 })
    .toBeLessThan(8);
  expect(await metric(collector.baseUrl, 'process_resident_memory_bytes')).toBeLessThan(mostBytes);
  expect(collector.process.exitCode).toBeNull();
  const lines = collector.logs.map((line) => JSON.parse(line) as { level: number });
  expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
  const smuggled = `select count(*) from system_telemetry where event_type = 'SMUGGLED'`;
  expect(await database.count(smuggled)).toBe(0);
});
