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
];

describe('requests of two meanings', () => {
  it.each(shapes)('%s: refused, and nothing behind it is heard', async (_what, shape) => {
    const received = await sendRaw(shape() + hidden());
    expect(received).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
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

/** In every place where text is taken: it is stored or compared as it is, or refused by name. */
const injections = [
  `'; drop table system_telemetry; --`,
  `" or 1=1 --`,
  `\\'; select pg_sleep(5); --`,
  '$1',
  '#{7*7}',
  '{{7*7}}',
  '%s%n%d',
  'a\r\nset-cookie: b=c',
  '../../../etc/passwd',
  '__proto__',
  "component') union select secret_hash from telemetry_keys --",
];

it('texts are nothing but text, in records, filters, names of keys and ids', async () => {
  const keys = async () => await database.count('select count(*) from telemetry_keys');
  const before = await keys();
  const as = (scope: 'ingest' | 'query' | 'admin') => ({
    'content-type': 'application/json',
    authorization: `Bearer ${secrets.of[scope]}`,
  });
  const send = async (scope: 'ingest' | 'admin', path: string, body: object) => {
    const init = { method: 'POST', headers: as(scope), body: JSON.stringify(body) };
    const response = await fetch(`${telemetry.baseUrl}${path}`, init);
    return { status: response.status, text: await response.text() };
  };
  for (const text of injections) {
    const record = { event_type: text, component: text, status: text, metadata: { [text]: text } };
    expect((await send('ingest', '/v1/telemetry/log', record)).status).toBe(200);
    const usage = { model: text, layer: text, provider: text, operation: text };
    expect((await send('ingest', '/v1/telemetry/usage', usage)).status).toBe(200);
    const filters = new URLSearchParams({ component: text, event_type: text });
    const url = `${telemetry.baseUrl}/v1/telemetry/events?${filters}`;
    const found = (await (await fetch(url, { headers: as('query') })).json()) as object[];
    expect(found).toMatchObject([{ component: text, event_type: text, status: text }]);
    for (const path of ['stats', 'trends', 'usage/summary']) {
      const query = new URLSearchParams({
        [path === 'usage/summary' ? 'model' : 'component']: text,
      });
      const answer = await fetch(`${telemetry.baseUrl}/v1/telemetry/${path}?${query}`, {
        headers: as('query'),
      });
      expect([path, answer.status]).toEqual([path, 200]);
    }
    const service = '/gravitas.telemetry.v1.KeyService';
    expect((await send('admin', `${service}/CreateKey`, { name: text })).status).toBe(400);
    expect((await send('admin', `${service}/RotateKey`, { name: text })).status).toBe(404);
    expect((await send('admin', `${service}/RevokeKey`, { name_or_id: text })).status).toBe(404);
    const made = { name: 'x', scopes: [text] };
    expect((await send('admin', `${service}/CreateKey`, made)).status).toBe(400);
    const letters = '/gravitas.telemetry.v1.DeadLetterService';
    for (const method of ['ReplayDeadLetters', 'DropDeadLetters']) {
      expect((await send('admin', `${letters}/${method}`, { ids: [text] })).status).toBe(400);
    }
  }
  expect(await keys()).toBe(before);
  expect(await database.count('select count(*) from system_telemetry')).toBe(injections.length);
});
