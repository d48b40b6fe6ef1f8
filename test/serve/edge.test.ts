import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { envelope, ingestPath, openCall, type RawAnswer, readAnswer } from '../support/raw-call.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector({ TELEMETRY_REQUEST_MS_MAX: '3000' });
});
afterAll(() => telemetry.stop());

const logPath = '/v1/telemetry/log';
const event = JSON.stringify({ event_type: 'EDGE' });
/** An event of type `EDGE` as protobuf. */
const message = Buffer.from([0x0a, 4, ...Buffer.from('EDGE')]);

/** Sends bytes, and resolves with all that comes back until the collector hangs up. */
async function exchange(bytes: string): Promise<string> {
  const socket = net.connect(telemetry.port, '127.0.0.1');
  socket.write(bytes);
  return await text(socket);
}

const close = 'Connection: close\r\n';
const posted = (target: string, headers: string, version = 'HTTP/1.1', body = event) =>
  `POST ${target} ${version}\r\n${headers}Content-Length: ${body.length}\r\n${close}\r\n${body}`;

async function call(
  path: string,
  headers: http2.OutgoingHttpHeaders,
  body: Uint8Array | string = event,
): Promise<RawAnswer & { readonly headers: http2.IncomingHttpHeaders }> {
  const session = http2.connect(telemetry.baseUrl);
  try {
    const stream = openCall(session, path, headers);
    let received: http2.IncomingHttpHeaders = {};
    stream.once('response', (all) => {
      received = all;
    });
    if (headers[':method'] === 'HEAD') stream.end();
    else stream.end(body);
    return { ...(await readAnswer(stream)), headers: received };
  } finally {
    session.close();
  }
}

const json = { 'content-type': 'application/json' };
const grpc = { 'content-type': 'application/grpc' };

describe('media types', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json ; charset="UTF-8"',
    'application/json;; charset=utf8 ;',
    'application/json; charset=utf-8; profile="a;b\\"c"',
  ])('%s is JSON, by every name of the method', async (contentType) => {
    for (const path of [logPath, ingestPath('Log')]) {
      const headers = { 'content-type': contentType };
      const init = { method: 'POST', headers, body: event };
      expect((await fetch(telemetry.baseUrl + path, init)).status).toBe(200);
      expect((await call(path, headers)).status).toBe(200);
    }
  });

  it.each(['Application/gRPC', 'application/grpc+PROTO', 'application/grpc; a=b'])(
    '%s is gRPC',
    async (contentType) => {
      const answer = await call(
        ingestPath('Log'),
        { 'content-type': contentType },
        envelope(message),
      );
      expect(answer.grpcStatus).toBe('0');
    },
  );

  it.each(['application/json; charset=latin1', 'text/json', 'application/jsonx', '/', 'a/b/c'])(
    '%s is refused with those that are taken',
    async (contentType) => {
      for (const path of [logPath, ingestPath('Log')]) {
        const answer = await call(path, { 'content-type': contentType });
        expect(answer.status).toBe(415);
        expect(answer.headers['accept-post']).toMatch(/^application\/json/);
        const body = JSON.parse(answer.body.toString());
        expect(body.message).toMatch(/^content-type must be application\/json/);
        expect(answer.body.toString()).not.toContain('internal');
      }
    },
  );
});

describe('methods', () => {
  it.each([
    '/livez',
    '/readyz',
    '/health',
    '/metrics',
    '/v1/telemetry/events',
    '/v1/telemetry/stats',
  ])('HEAD of %s says what GET would, without the body', async (path) => {
    for (const version of ['1.1', '2'] as const) {
      const answer =
        version === '2'
          ? await call(path, { ':method': 'HEAD' })
          : await fetch(telemetry.baseUrl + path, { method: 'HEAD' });
      expect(answer.status).toBe(200);
      const body = 'text' in answer ? await answer.text() : answer.body.toString();
      expect(body).toBe('');
    }
  });

  it('HEAD of a query by Connect is answered', async () => {
    const query = 'connect=v1&encoding=json&message=%7B%7D';
    const url = `${telemetry.baseUrl}/gravitas.telemetry.v1.QueryService/GetFootprint?${query}`;
    expect((await fetch(url, { method: 'GET' })).status).toBe(200);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('OPTIONS and others say what a known path takes', async () => {
    for (const [path, allow] of [
      [logPath, 'POST'],
      ['/livez', 'GET, HEAD'],
      [ingestPath('LogBatch'), 'POST'],
      ['/gravitas.telemetry.v1.QueryService/GetStats', 'POST, GET, HEAD'],
    ] as const) {
      const options = await fetch(telemetry.baseUrl + path, { method: 'OPTIONS' });
      expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
      expect(options.headers.get('content-length')).toBeNull();
      const other = await fetch(telemetry.baseUrl + path, { method: 'DELETE' });
      expect([other.status, other.headers.get('allow')]).toEqual([405, allow]);
      expect(await other.json()).toMatchObject({ code: 'unimplemented' });
    }
    expect((await fetch(`${telemetry.baseUrl}/nothing`, { method: 'DELETE' })).status).toBe(404);
  });
});

describe('request targets', () => {
  it('in absolute form are those that follow the host', async () => {
    const base = `http://telemetry.example:8002`;
    const host = 'Host: telemetry.example:8002\r\nContent-Type: application/json\r\n';
    expect(await exchange(posted(`${base}${logPath}`, host))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await exchange(posted(`HTTP://a${ingestPath('Log')}`, host))).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    const get = `GET ${base}/v1/telemetry/events?limit=1 HTTP/1.1\r\n${host}${close}\r\n`;
    expect(await exchange(get)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('of HTTP/1.0 without a host are served on every route', async () => {
    const type = 'Content-Type: application/json\r\n';
    for (const path of [
      logPath,
      ingestPath('Log'),
      '/gravitas.telemetry.v1.QueryService/GetStats',
    ]) {
      const body = path === logPath || path.endsWith('/Log') ? event : '{}';
      expect(await exchange(posted(path, type, 'HTTP/1.0', body))).toMatch(/^HTTP\/1\.1 200 /);
    }
    const get = `GET /v1/telemetry/stats HTTP/1.0\r\n\r\n`;
    expect(await exchange(get)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('content codings', () => {
  const encoders = {
    gzip: zlib.gzipSync,
    'x-gzip': zlib.gzipSync,
    GZIP: zlib.gzipSync,
    br: zlib.brotliCompressSync,
    zstd: zlib.zstdCompressSync,
    deflate: zlib.deflateSync,
    Deflate: zlib.deflateRawSync,
    identity: (bytes: zlib.InputType) => Buffer.from(bytes as Buffer),
  };

  it.each(Object.entries(encoders))('%s is read by every protocol', async (name, encode) => {
    for (const path of [logPath, ingestPath('Log')]) {
      const answer = await call(
        path,
        { ...json, 'content-encoding': name },
        encode(Buffer.from(event)),
      );
      expect([path, answer.status]).toEqual([path, 200]);
    }
    const flags = name === 'identity' ? 0 : 1;
    for (const protocol of ['grpc', 'grpc-web']) {
      const answer = await call(
        ingestPath('Log'),
        { 'content-type': `application/${protocol}`, 'grpc-encoding': name },
        envelope(encode(message), flags),
      );
      const status = answer.grpcStatus ?? /grpc-status: *(\d+)/.exec(answer.body.toString())?.[1];
      expect([protocol, status]).toEqual([protocol, '0']);
    }
    const stream = await call(
      ingestPath('StreamEvents'),
      { 'content-type': 'application/connect+proto', 'connect-content-encoding': name },
      envelope(encode(Buffer.from([0x12, message.length, ...message])), flags),
    );
    expect(stream.body.toString()).not.toContain('error');
  });

  it('that are not taken are refused with those that are', async () => {
    const plain = await call(logPath, { ...json, 'content-encoding': 'compress' });
    expect(plain.status).toBe(415);
    expect(plain.headers['accept-encoding']).toBe('gzip, br, zstd, deflate');
    const unary = await call(
      ingestPath('Log'),
      { ...grpc, 'grpc-encoding': 'snappy' },
      envelope(message),
    );
    expect([unary.status, unary.grpcStatus]).toEqual([200, '12']);
    expect(unary.headers['grpc-accept-encoding']).toBe('gzip, br, zstd, deflate');
  });

  it('that do not fit the bytes are the request’s fault', async () => {
    for (const name of ['gzip', 'br', 'zstd', 'deflate']) {
      const answer = await call(logPath, { ...json, 'content-encoding': name }, 'not at all');
      expect([name, answer.status]).toEqual([name, 400]);
      expect(JSON.parse(answer.body.toString()).message).toContain(name);
    }
  });
});

describe('gRPC', () => {
  it('says UNIMPLEMENTED of methods and services that there are not', async () => {
    for (const path of [
      ingestPath('Forget'),
      '/no.such.Service/Method',
      '/',
      '/gravitas.telemetry.internal.v1.JsonIngestService/LogBatch',
      '/gravitas.telemetry.internal.v1.BinaryIngestService/LogBatch',
    ]) {
      const answer = await call(path, grpc, envelope(message));
      expect([path, answer.status, answer.grpcStatus]).toEqual([path, 200, '12']);
    }
  });

  it.each(['Log', 'LogBatch', 'StreamEvents', 'StreamBatches'])(
    'says INTERNAL of a message of %s that is compressed in no encoding',
    async (method) => {
      const answer = await call(ingestPath(method), grpc, envelope(zlib.gzipSync(message), 1));
      expect(answer.grpcStatus).toBe('13');
    },
  );

  it('encodes in a message what the protocol wants, and no more', async () => {
    const id = { 'x-request-id': 'a' };
    const batch = Buffer.from([0x0a, 9, ...Buffer.from('a, b: ü')]);
    const answer = await call(ingestPath('LogBatch'), { ...grpc, ...id }, envelope(batch));
    expect(answer.headers['grpc-message'] ?? answer.grpcMessage).not.toMatch(/%2C|%20|%3A/);
    expect(answer.grpcStatus).toBe('3');
  });

  it.each(['Log', 'LogBatch'])('holds the deadline of a %s that never comes', async (method) => {
    const session = http2.connect(telemetry.baseUrl);
    const stream = openCall(session, ingestPath(method), { ...grpc, 'grpc-timeout': '200m' });
    stream.write(envelope(message).subarray(0, 7));
    expect((await readAnswer(stream)).grpcStatus).toBe('4');
    session.destroy();
  });
});

describe('a request’s name', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';

  it.each([
    [{ 'x-request-id': 'mine-1' }, 'mine-1'],
    [{ traceparent: `00-${traceId}-b7ad6b7169203331-01` }, traceId],
    [{ traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` }, expect.stringMatching(/-/)],
    [{ traceparent: `ff-${traceId}-b7ad6b7169203331-01` }, expect.stringMatching(/-/)],
    [{ 'x-request-id': 'two words' }, expect.stringMatching(/^[0-9a-f-]{36}$/)],
    [{}, expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ])('with %s is in every error', async (headers, name) => {
    for (const [path, body, type] of [
      [logPath, '{}', json],
      ['/nothing', '{}', json],
      ['/livez', '{}', json],
      [ingestPath('Log'), '{}', json],
      [logPath, '{}', { 'content-type': 'text/plain' }],
    ] as const) {
      const answer = await call(path, { ...type, ...headers }, body);
      expect(answer.headers['x-request-id']).toEqual(name);
      const details = JSON.parse(answer.body.toString()).details as { debug: object }[];
      expect(details.at(-1)?.debug).toMatchObject({ request_id: name });
    }
    const answer = await call(
      ingestPath('Log'),
      { ...grpc, ...headers },
      envelope(Buffer.of(0xff)),
    );
    expect(answer.grpcStatus).toBe('3');
  });
});

describe('a call by GET', () => {
  const address = (query: string) =>
    `${telemetry.baseUrl}/gravitas.telemetry.v1.QueryService/GetStats${query}`;
  const message = encodeURIComponent('{}');

  it.each([
    ['', 415, 'encoding'],
    [`?message=${message}`, 415, 'encoding'],
    [`?encoding=xml&message=${message}`, 415, 'encoding'],
    ['?encoding=json&base64=1&message=%25%25', 400, 'message'],
    [`?encoding=json&message=${message}&compression=lzw`, 415, undefined],
  ])(
    'that the library does not understand is its caller’s fault: %s',
    async (query, status, field) => {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(address(query), { method });
        expect(response.status).toBe(status);
        expect(response.headers.get('x-request-id')).toBeTruthy();
        if (method === 'GET')
          expect(((await response.json()) as { field?: string }).field).toBe(field);
      }
    },
  );

  it('may name its coding as headers may', async () => {
    const packed = zlib.gzipSync('{}').toString('base64url');
    for (const name of ['gzip', 'GZIP', 'x-gzip']) {
      const query = `?encoding=json&base64=1&message=${packed}&compression=${name}`;
      expect((await fetch(address(query))).status).toBe(200);
    }
  });

  it('is one whatever its header says of a body', async () => {
    for (const type of ['application/grpc', 'application/grpc-web', 'text/plain']) {
      const headers = { 'content-type': type };
      const response = await fetch(address(`?encoding=json&message=${message}`), { headers });
      expect([type, response.status]).toEqual([type, 200]);
    }
  });
});

it.each([
  ['DeadLetterService/DropDeadLetters', (text: string) => ({ ids: [text] })],
  ['QueryService/ListEvents', (text: string) => ({ start_time: text })],
  ['QueryService/ListEvents', (text: string) => ({ page_size: text })],
  ['QueryService/ListEvents', (text: string) => ({ component: { [text]: text } })],
])('does not repeat all that it refuses: %s', async (method, ask) => {
  const body = Buffer.from(JSON.stringify(ask('語'.repeat(100_000))));
  const path = `/gravitas.telemetry.v1.${method}`;
  const answer = await call(path, { 'content-type': 'application/grpc+json' }, envelope(body));
  expect(answer.grpcStatus).toBe('3');
  const plain = await call(path, json, body);
  expect(plain.status).toBe(400);
  expect(plain.body.length).toBeLessThan(10_000);
});

describe('what is no request', () => {
  it.each([
    ['garbage\r\n\r\n', 400],
    ['GET /livez HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n', 400],
    [`GET /livez HTTP/1.1\r\n${close}\r\n`, 400],
    [`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      `POST ${logPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
  ])('is answered with a reason and a name: %j', async (bytes, status) => {
    const answer = await exchange(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    const [, id] = /^x-request-id: (.+)$/m.exec(head) ?? [];
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(body)).toMatchObject({
      code: 'invalid_argument',
      details: [{ debug: { request_id: id } }],
    });
  });

  it('is not what expects more than we know', async () => {
    const answer = await exchange(
      posted(logPath, 'Host: x\r\nExpect: more\r\nContent-Type: application/json\r\n'),
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });
});

it('says which methods it knows at all', async () => {
  const answer = await exchange(`OPTIONS * HTTP/1.1\r\nHost: x\r\n${close}\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 204 .*\r\nallow: GET, HEAD, POST\r\n/s);
});

it('takes as many lines of a header as its bytes allow', async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`x-${n}`, 'v']));
  expect((await call(logPath, { ...json, ...many })).status).toBe(200);
});

it('says that what may be compressed varies', async () => {
  const url = `${telemetry.baseUrl}/gravitas.telemetry.v1.QueryService/GetFootprint`;
  const init = { method: 'POST', headers: json, body: '{}' };
  expect((await fetch(url, init)).headers.get('vary')).toContain('accept-encoding');
});

it('names the next page as seen from the page', async () => {
  for (let count = 0; count < 2; count++) await call(logPath, json);
  const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/events?limit=1&event_type=EDGE`);
  const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '') ?? [];
  expect(next).toMatch(/^\?/);
  const [first] = (await response.json()) as { id: string }[];
  const [second] = (await (await fetch(new URL(next, response.url))).json()) as { id: string }[];
  expect(second?.id).toBeDefined();
  expect(second?.id).not.toBe(first?.id);
});

it('does not cut an answer that takes longer than a request may', async () => {
  const pending = telemetry.database.rows(
    'begin; lock table system_telemetry; select pg_sleep(4); commit',
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const path of ['/v1/telemetry/stats', '/v1/telemetry/events']) {
    expect((await fetch(telemetry.baseUrl + path)).status).toBe(200);
  }
  await pending;
}, 20_000);
