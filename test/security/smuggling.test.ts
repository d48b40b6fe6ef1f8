import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKeys, type Secrets } from './callers.ts';

let database: TestDatabase;
let telemetry: TestCollector;
let secrets: Secrets;
beforeAll(async () => {
  database = await createDatabase();
  secrets = await makeKeys(database);
  telemetry = await startCollector({ TELEMETRY_HEADER_MS_MAX: '1000' }, database);
});
afterAll(async () => {
  await telemetry.stop();
  await database.drop();
});

/** All that comes back until the connection is closed. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = net.connect(telemetry.port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return received;
}

const event = '{"event_type":"SMUGGLED"}';
const hidden = () =>
  `POST /v1/telemetry/log HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${secrets.of.ingest}\r\nContent-Type: application/json\r\nContent-Length: ${event.length}\r\nConnection: close\r\n\r\n${event}`;
const head = (lines: string, body = '') =>
  `POST /v1/telemetry/log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${lines}\r\n${body}`;

const shapes: readonly [string, () => string][] = [
  ['two lengths', () => head('Content-Length: 0\r\nContent-Length: 5\r\n')],
  ['two lengths in one line', () => head('Content-Length: 0, 5\r\n')],
  ['the same length twice, as a list', () => head('Content-Length: 5, 5\r\n')],
  ['both framings', () => head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  [
    'both framings, the other way',
    () => head('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
  ],
  ['a framing nobody knows', () => head('Transfer-Encoding: xchunked\r\n')],
  ['chunked, and not last', () => head('Transfer-Encoding: chunked, identity\r\n')],
  [
    'two framings',
    () => head('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked, gzip\r\n'),
  ],
  ['a length with a sign', () => head('Content-Length: +5\r\n')],
  ['a negative length', () => head('Content-Length: -1\r\n')],
  ['a length in hex', () => head('Content-Length: 0x10\r\n')],
  ['a blank before the colon', () => head('Content-Length : 5\r\n')],
  ['a folded line', () => head('X-A: b\r\n Content-Length: 5\r\n')],
  ['a bare line feed', () => 'POST /v1/telemetry/log HTTP/1.1\nHost: x\nContent-Length: 0\n\n'],
  ['a NUL in a header', () => head('X-A: a\0b\r\n')],
  ['a carriage return in a header', () => head('X-A: a\rContent-Length: 5\r\n')],
  ['a line without a colon', () => head('Content-Length 5\r\n')],
  ['a chunk whose size is none', () => head('Transfer-Encoding: chunked\r\n', 'zz\r\n')],
  ['a chunk of negative size', () => head('Transfer-Encoding: chunked\r\n', '-1\r\n')],
  [
    'a chunk of more than any size',
    () => head('Transfer-Encoding: chunked\r\n', `${'f'.repeat(20)}\r\n`),
  ],
  ['a chunk without its end', () => head('Transfer-Encoding: chunked\r\n', '1\r\n{XX0\r\n\r\n')],
  [
    'a chunk after a bare line feed',
    () => head('Transfer-Encoding: chunked\r\n', '1\n{\r\n0\r\n\r\n'),
  ],
  [
    'a line feed in an extension of a chunk',
    () => head('Transfer-Encoding: chunked\r\n', '1;a\nb\r\n{\r\n0\r\n\r\n'),
  ],
  [
    'chunked twice',
    () => head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  ],
  ['chunked behind a vertical tab', () => head('Transfer-Encoding:\vchunked\r\n', '0\r\n\r\n')],
  [
    'chunked in HTTP/1.0',
    () => head('Transfer-Encoding: chunked\r\n', '0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
  ],
  ['a length of two words', () => head('Content-Length: 5 5\r\n')],
  ['a length with a mark in it', () => head('Content-Length: 1_0\r\n')],
  ['no length in its line', () => head('Content-Length:\r\n')],
  ['a length of more than any size', () => head(`Content-Length: ${'9'.repeat(30)}\r\n`)],
  ['a blank before the first line', () => head('').replace('Host', ' Host')],
  ['a name with a bracket', () => head('X(A: b\r\n')],
  ['another version', () => head('').replace('HTTP/1.1', 'HTTP/9.9')],
  ['a version in small letters', () => head('').replace('HTTP/1.1', 'http/1.1')],
  ['two blanks in the first line', () => head('').replace(' HTTP', ' x HTTP')],
];

describe('requests of two meanings', () => {
  it.each(shapes)('%s: refused, and nothing behind it is heard', async (_what, shape) => {
    const received = await sendRaw(shape() + hidden());
    expect(received).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(await database.count('select count(*) from system_telemetry')).toBe(0);
  });

  it('two Hosts are refused', async () => {
    const lines = `Host: y\r\nX-Api-Key: ${secrets.of.ingest}\r\nContent-Length: ${event.length}\r\n`;
    const received = await sendRaw(head(lines, event));
    expect(received).toMatch(/^HTTP\/1\.1 400 .*several Hosts/s);
    expect(await database.count('select count(*) from system_telemetry')).toBe(0);
  });

  it('a refused request leaves no part of itself to be read as the next one', async () => {
    const request = hidden();
    const wrong = head(
      `Authorization: Bearer wrong\r\nContent-Length: ${request.length}\r\nConnection: close\r\n`,
    );
    const received = await sendRaw(wrong + request);
    expect(received).toMatch(/^HTTP\/1\.1 401 /);
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(await database.count('select count(*) from system_telemetry')).toBe(0);
  });

  it.each(['Authorization: Bearer', 'X-Api-Key:'])(
    'two keys in two lines of %s are none, over HTTP/1.1',
    async (header) => {
      const right = secrets.of.ingest;
      for (const keys of [
        [right, 'wrong'],
        ['wrong', right],
        [right, secrets.of.query],
      ]) {
        const lines = keys.map((key) => `${header} ${key}\r\n`).join('');
        const length = `Content-Length: ${event.length}\r\nConnection: close\r\n`;
        expect(await sendRaw(head(lines + length, event))).toMatch(/^HTTP\/1\.1 401 /);
      }
    },
  );

  it('and over HTTP/2', async () => {
    // Not typed yet: without, the library would not send them.
    const options = { strictSingleValueFields: false } as http2.ClientSessionOptions;
    const session = http2.connect(telemetry.baseUrl, options);
    for (const name of ['authorization', 'x-api-key']) {
      const [right, wrong] = [secrets.of.ingest, 'wrong'].map((key) =>
        name === 'authorization' ? `Bearer ${key}` : key,
      ) as [string, string];
      for (const keys of [
        [right, wrong],
        [wrong, right],
      ]) {
        const request = session.request(
          // As they are, one after the other.
          [
            ...[':method', 'POST', ':scheme', 'http', ':authority', 'x'],
            ...[':path', '/v1/telemetry/log', 'content-type', 'application/json'],
            ...keys.flatMap((key) => [name, key]),
          ] as unknown as http2.OutgoingHttpHeaders,
        );
        request.end(event);
        const [headers] = await once(request, 'response');
        request.resume();
        expect([name, headers[':status']]).toEqual([name, 401]);
      }
    }
    session.destroy();
    expect(await database.count('select count(*) from system_telemetry')).toBe(0);
  });

  it('a connection has no right of its own: each of its requests shows a key', async () => {
    const right = hidden().replace('Connection: close\r\n', '');
    const without = hidden().replace(/X-Api-Key: .*\r\n/, '');
    const received = await sendRaw(right + without);
    expect(received.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401']);
    await database.rows('truncate system_telemetry');
  });
});

it('names and values of headers go nowhere', async () => {
  const session = http2.connect(telemetry.baseUrl);
  for (const evil of ['x%0d%0aset-cookie: a=b', '<script>', `"}{"a":"b`, '%00', '￿'.repeat(3)]) {
    const request = session.request({
      ':path': `/v1/telemetry/events?component=${encodeURIComponent(evil)}`,
      'x-request-id': encodeURIComponent(evil),
      'x-api-key': encodeURIComponent(evil),
      origin: `http://${encodeURIComponent(evil)}`,
    });
    const [headers] = await once(request, 'response');
    request.resume();
    await once(request, 'end');
    expect(headers[':status']).toBe(401);
    expect(headers['set-cookie']).toBeUndefined();
  }
  session.close();
});
