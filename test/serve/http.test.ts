import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const logPath = '/v1/telemetry/log';
const connectPath = '/gravitas.telemetry.v1.IngestService/Log';
const event = JSON.stringify({ event_type: 'HTTP' });

describe('plain HTTP', () => {
  const post = (path: string, contentType: string, body: BodyInit = event) =>
    fetch(telemetry.baseUrl + path, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });

  it('refuses other content types than JSON by the REST names', async () => {
    for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      const response = await post(logPath, contentType);
      expect(response.status).toBe(415);
      expect(await response.json()).toEqual({
        code: 'invalid_argument',
        message: 'content-type must be application/json',
        details: [expect.objectContaining({ type: 'google.rpc.RequestInfo' })],
      });
    }
    expect((await post(logPath, 'application/json; charset=utf-8')).status).toBe(200);
    expect((await post(connectPath, 'text/plain')).status).toBe(415);
  });

  it('refuses other methods', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await fetch(telemetry.baseUrl + logPath, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST');
    }
    expect((await fetch(telemetry.baseUrl + connectPath)).status).toBe(405);
  });

  it('answers 404 for unknown paths', async () => {
    for (const path of ['/v1/telemetry', '/v1/telemetry/logs', '/constructor', '/%00', '//']) {
      expect(await getJson(telemetry.baseUrl + path)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
    const unknownMethod = '/gravitas.telemetry.v1.IngestService/Forget';
    expect((await post(unknownMethod, 'application/json')).status).toBe(404);
    expect((await post('/constructor', 'application/json')).status).toBe(404);
  });

  it('answers 400 for what is no JSON, or not of the right shape', async () => {
    for (const path of [logPath, '/v1/telemetry/usage', '/v1/telemetry/batch', connectPath]) {
      // A list is a batch by its plain name.
      const list = path === '/v1/telemetry/batch' ? '[' : '[]';
      for (const body of ['', '{', 'nonsense', list, '7', '"text"', '\xff']) {
        const { status, body: answer } = await postJson(telemetry.baseUrl + path, body);
        expect({ path, body, status, code: answer.code }).toEqual({
          path,
          body,
          status: 400,
          code: 'invalid_argument',
        });
      }
    }
    for (const [field, value] of Object.entries({
      value: 'high',
      component: 7,
      metadata: [],
      timestamp: 'yesterday',
    })) {
      const { status, body } = await postJson(telemetry.baseUrl + logPath, {
        event_type: 'X',
        [field]: value,
      });
      expect(status).toBe(400);
      expect(body.message).toMatch(new RegExp(`^${field} cannot be read: `));
      expect(body.details).toMatchObject([
        { type: 'google.rpc.BadRequest' },
        { type: 'google.rpc.RequestInfo' },
      ]);
    }
    const events = 'not a list';
    expect(await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, { events })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('events') },
    });
  });
});

describe('sockets', () => {
  /** Sends bytes and resolves with everything that came back when the collector hung up. */
  async function exchange(bytes: string | Buffer): Promise<string> {
    const socket = net.connect(telemetry.port, '127.0.0.1');
    // A reset is one way to hang up.
    socket.on('error', () => {});
    socket.write(bytes);
    return await text(socket).catch((error) => String(error));
  }
  const isAlive = async () =>
    expect(await getJson(`${telemetry.baseUrl}/livez`)).toMatchObject({ status: 200 });

  it('with what is neither HTTP/1.1 nor HTTP/2 get a 400', async () => {
    for (const bytes of [
      'PRX',
      'P\r\n\r\n',
      'garbage\r\n\r\n',
      '\x16\x03\x01\x00\x05hello',
      '\0\0\0\0',
    ]) {
      expect(await exchange(bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    }
    await isAlive();
  });

  it('with a broken HTTP/2 preface or frame are closed', async () => {
    await exchange('PRI * HTTP/9.9\r\n\r\nSM\r\n\r\n');
    await exchange(
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64, 0xff)]),
    );
    await isAlive();
  });

  it('that say what they speak byte by byte are understood', async () => {
    const socket = net.connect({ port: telemetry.port, host: '127.0.0.1', noDelay: true });
    const answer = text(socket);
    for (const character of 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n') {
      await new Promise((resolve) => socket.write(character, resolve));
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it.each([
    ['HTTP/1.1', ''],
    ['HTTP/1.0', ''],
    ['HTTP/1.1', 'Host: a b\r\n'],
    ['HTTP/1.1', 'Host: [::\r\n'],
    ['HTTP/1.1', 'Host: \r\n'],
  ])('with %s and "%s" for a host get an answer', async (version, host) => {
    for (const path of [logPath, '/livez', connectPath]) {
      const headers = `${host}Content-Type: application/json\r\nContent-Length: ${event.length}\r\nConnection: close\r\n`;
      const answer = await exchange(`POST ${path} ${version}\r\n${headers}\r\n${event}`);
      expect(answer).toMatch(/^HTTP\/1\.1 (200|400|405) /);
    }
    await isAlive();
  });

  it.each(['', 'a b', '[::', undefined])(
    'of HTTP/2 with "%s" for an authority harm nobody',
    async (authority) => {
      const session = http2.connect(telemetry.baseUrl);
      const request = session.request({
        ':method': 'POST',
        ':path': connectPath,
        ...(authority === undefined ? {} : { ':authority': authority }),
        'content-type': 'application/json',
      });
      const status = new Promise((resolve) => {
        request.once('response', (headers) => resolve(headers[':status']));
        request.once('error', () => resolve('reset'));
      });
      request.end(event);
      request.resume();
      expect([200, 400, 'reset']).toContain(await status);
      session.destroy();
      await isAlive();
    },
  );

  it('that are gone in the middle of a request harm nobody', async () => {
    for (const bytes of [
      'PR',
      'POST',
      `POST ${logPath} HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{`,
    ]) {
      const socket = net.connect(telemetry.port, '127.0.0.1');
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.resetAndDestroy();
    }
    await isAlive();
  });
});
