import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogRequestSchema } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { envelope, ingestPath } from '../support/raw-call.ts';

const page = 'https://dashboard.example';
const other = 'https://evil.example';

let named: TestCollector;
let open: TestCollector;
let closed: TestCollector;
beforeAll(async () => {
  const TELEMETRY_MESSAGE_BYTES_MAX = '2048';
  named = await startCollector({
    TELEMETRY_CORS_ORIGINS: `${page}, http://localhost:3000`,
    TELEMETRY_MESSAGE_BYTES_MAX,
  });
  open = await startCollector({ TELEMETRY_CORS_ORIGINS: '*', TELEMETRY_MESSAGE_BYTES_MAX });
  closed = await startCollector({ TELEMETRY_MESSAGE_BYTES_MAX });
});
afterAll(() => Promise.all([named, open, closed].map((each) => each?.stop())));

const asked = (origin: string, headers: Record<string, string> = {}) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
    ...headers,
  },
});
const listOf = (headers: Headers, name: string) =>
  (headers.get(name) ?? '').split(',').map((each) => each.trim().toLowerCase());
const corsHeaders = (headers: Headers) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('a preflight', () => {
  it('is answered at every path, with what the path takes', async () => {
    const { routes } = named.collector;
    expect(routes.length).toBeGreaterThan(20);
    for (const { path, methods } of routes) {
      const { status, headers } = await fetch(named.baseUrl + path, asked(page));
      expect([path, status]).toEqual([path, 204]);
      expect(headers.get('access-control-allow-origin')).toBe(page);
      expect(listOf(headers, 'access-control-allow-methods')).toEqual(
        expect.arrayContaining(methods.map((method) => method.toLowerCase())),
      );
      expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0);
      expect(listOf(headers, 'vary')).toContain('origin');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  it('lets in the headers of every protocol', async () => {
    const { headers } = await fetch(named.baseUrl + ingestPath('Log'), asked(page));
    expect(listOf(headers, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining([
        ...['authorization', 'x-api-key', 'content-type', 'connect-protocol-version'],
        ...['connect-timeout-ms', 'x-grpc-web', 'x-user-agent', 'grpc-timeout', '*'],
      ]),
    );
  });

  it('is answered at unknown paths too, so that a page can read that there is nothing', async () => {
    const { headers, status } = await fetch(`${named.baseUrl}/nothing`, asked(page));
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, page]);
  });

  it.each([
    other,
    'null',
    `${page}.evil.example`,
    `${page}:8443`,
    'HTTPS://DASHBOARD.EXAMPLE',
    '*',
  ])('of the origin %s gets nothing', async (origin) => {
    const { headers } = await fetch(named.baseUrl + ingestPath('Log'), asked(origin));
    expect(corsHeaders(headers)).toEqual([]);
    expect(listOf(headers, 'vary')).toContain('origin');
  });

  it('lets named origins, and these only, into a private network', async () => {
    const reach = asked(page, { 'access-control-request-private-network': 'true' });
    const allowed = async (to: TestCollector) =>
      (await fetch(`${to.baseUrl}/health`, reach)).headers.get(
        'access-control-allow-private-network',
      );
    expect(await allowed(named)).toBe('true');
    expect(await allowed(open)).toBeNull();
  });

  it('gets nothing by default', async () => {
    const { headers } = await fetch(closed.baseUrl + ingestPath('Log'), asked(page));
    expect(corsHeaders(headers)).toEqual([]);
    expect(headers.get('allow')).toBe('POST');
  });
});

const json = { 'content-type': 'application/json' };
const log = toBinary(LogRequestSchema, create(LogRequestSchema, { eventType: 'CORS' }));

const requests: Readonly<Record<string, [path: string, status: number, init: RequestInit]>> = {
  stored: [
    '/v1/telemetry/log',
    200,
    { method: 'POST', headers: json, body: '{"event_type":"CORS"}' },
  ],
  'stored by Connect': [
    ingestPath('Log'),
    200,
    { method: 'POST', headers: { 'content-type': 'application/proto' }, body: log },
  ],
  'stored by gRPC-Web': [
    ingestPath('Log'),
    200,
    {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+proto' },
      body: envelope(log),
    },
  ],
  'a query': ['/v1/telemetry/events?limit=1', 200, {}],
  metrics: ['/metrics', 200, {}],
  invalid: ['/v1/telemetry/log', 400, { method: 'POST', headers: json, body: '{' }],
  'too large': [
    ingestPath('Log'),
    429,
    { method: 'POST', headers: json, body: `{"event_type":"${'x'.repeat(3000)}"}` },
  ],
  'an unknown path': ['/nothing', 404, {}],
  'another method': ['/v1/telemetry/log', 405, { method: 'PUT' }],
  'another type': ['/v1/telemetry/log', 415, { method: 'POST', body: 'x' }],
};

describe.each(Object.entries(requests))('an answer, %s,', (_name, [path, status, init]) => {
  const ask = async (to: TestCollector, origin?: string) => {
    const answer = await fetch(to.baseUrl + path, {
      ...init,
      headers: { ...(init.headers as object), ...(origin && { origin }) },
    });
    expect(answer.status).toBe(status);
    await answer.arrayBuffer();
    return answer.headers;
  };

  it('may be read by a page that is named, its headers too', async () => {
    const headers = await ask(named, page);
    expect(headers.get('access-control-allow-origin')).toBe(page);
    expect(listOf(headers, 'access-control-expose-headers')).toEqual(
      expect.arrayContaining([
        ...['grpc-status', 'grpc-message', 'grpc-status-details-bin'],
        ...['x-request-id', 'retry-after', 'link'],
      ]),
    );
    expect(listOf(headers, 'vary')).toContain('origin');
  });

  it('may be read by no other page, and is not kept for one', async () => {
    for (const origin of [other, 'null', undefined]) {
      const headers = await ask(named, origin);
      expect(corsHeaders(headers)).toEqual([]);
      expect(listOf(headers, 'vary')).toContain('origin');
    }
  });

  it('may be read by all where all are let in, pages without an origin too', async () => {
    for (const origin of [other, 'null']) {
      expect((await ask(open, origin)).get('access-control-allow-origin')).toBe('*');
    }
  });

  it('says nothing of it by default', async () => {
    expect(corsHeaders(await ask(closed, page))).toEqual([]);
  });
});

it('a page may read why it is not let in by the gate', async () => {
  const guarded = await startCollector(
    {
      TELEMETRY_CORS_ORIGINS: page,
      TELEMETRY_API_KEYS: 'app query a-secret-of-forty-characters-0123456789ab',
    },
    named.database,
  );
  const log = `${guarded.baseUrl}/v1/telemetry/log`;
  expect((await fetch(log, asked(page))).status).toBe(204);
  const send = (authorization?: string) =>
    fetch(log, {
      method: 'POST',
      headers: { ...json, origin: page, ...(authorization && { authorization }) },
      body: '{"event_type":"CORS"}',
    });
  for (const [answer, status] of [
    [await send(), 401],
    [await send('Bearer wrong'), 401],
    [await send('Bearer a-secret-of-forty-characters-0123456789ab'), 403],
  ] as const) {
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe(page);
    if (status === 401) {
      expect(answer.headers.get('www-authenticate')).toBeTruthy();
      expect(listOf(answer.headers, 'access-control-expose-headers')).toContain('www-authenticate');
    }
  }
  await guarded.stop();
});

it('keeps what an answer varies by beside', async () => {
  const [path, , init] = requests.stored as (typeof requests)[string];
  const { headers } = await fetch(named.baseUrl + path, init);
  expect(listOf(headers, 'vary')).toEqual(['accept-encoding', 'origin']);
});
