import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from '../../src/serve/route.ts';
import { tlsEnvironment } from '../support/certificates.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKeys, type Secrets } from './callers.ts';
import { type Reception, type Way, ways } from './ways.ts';

let database: TestDatabase;
let secrets: Secrets;
let inClear: TestCollector;
let byTls: TestCollector;

beforeAll(async () => {
  database = await createDatabase();
  secrets = await makeKeys(database);
  const env = { TELEMETRY_FAILED_ATTEMPTS_MAX: '1000000' };
  inClear = await startCollector(env, database);
  byTls = await startCollector({ ...env, ...tlsEnvironment() }, database);
});
afterAll(async () => {
  await Promise.all([inClear.stop(), byTls.stop()]);
  await database.drop();
});

type Headers = Readonly<Record<string, string>>;
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const apiKey = (token: string): Headers => ({ 'x-api-key': token });

/** What callers come with, and how each is received where a scope is needed. */
const callers = (scope: 'ingest' | 'query' | 'admin'): [string, Headers, Reception][] => {
  const { of, without, expired, revoked } = secrets;
  const right = of[scope];
  return [
    ['no key', {}, 'unauthenticated'],
    [
      'a wrong key',
      bearer(`${right.slice(0, -1)}${right.endsWith('A') ? 'B' : 'A'}`),
      'unauthenticated',
    ],
    ['an empty key', apiKey(''), 'unauthenticated'],
    ['a key in another scheme', { authorization: `Basic ${right}` }, 'unauthenticated'],
    ['two keys', { ...bearer(right), ...apiKey(without[scope]) }, 'unauthenticated'],
    ['an expired key', bearer(expired), 'unauthenticated'],
    ['a revoked key', apiKey(revoked), 'unauthenticated'],
    ['a key of other scopes', bearer(without[scope]), 'forbidden'],
    ['a key of its scope', bearer(right), 'let in'],
    ['the same as x-api-key', apiKey(right), 'let in'],
  ];
};

/** What would last as long as its client likes is not asked with a key that is let in. */
const wordsOf = (route: Route, method: string): readonly string[] =>
  method === 'POST' ? (route.mediaTypes ?? ['text/plain']) : ['text/plain'];

const cases = Object.entries(ways).flatMap(([name, open]) => [
  { name, open, at: () => inClear },
  { name: `${name} over TLS`, open, at: () => byTls },
]);

describe.each(cases)('by $name', ({ open, at }) => {
  let way: Way;
  let telemetry: TestCollector;
  beforeAll(() => {
    telemetry = at();
    way = open(telemetry.baseUrl);
  });
  afterAll(() => way.close());

  it('every route that needs a scope lets in whoever has it, and nobody else', async () => {
    const guarded = telemetry.collector.routes.filter(({ scope }) => scope !== 'none');
    expect(guarded.length).toBeGreaterThan(20);
    for (const route of guarded) {
      for (const method of route.methods) {
        for (const contentType of wordsOf(route, method)) {
          for (const [who, headers, reception] of callers(route.scope as 'ingest')) {
            const { path } = route;
            const received = await way.ask({ method, path, contentType, headers });
            expect([path, method, contentType, who, received]).toEqual([
              path,
              method,
              contentType,
              who,
              reception,
            ]);
          }
        }
      }
    }
  }, 240_000);

  it('asks nobody for a key who asks how it fares, or for nothing', async () => {
    const open = telemetry.collector.routes.filter(
      ({ scope, kind }) => scope === 'none' && kind !== 'stream',
    );
    const paths = [...open.map(({ path }) => path), '/', '/nothing', '/v1/telemetry/log/../keys'];
    expect(open.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/livez', '/readyz', '/health', '/metrics']),
    );
    for (const path of paths) {
      const asked = { method: 'GET', path, contentType: 'text/plain', headers: {} };
      expect([path, await way.ask(asked)]).toEqual([path, 'let in']);
    }
  });

  it('finds no route by another spelling of its path that needs less', async () => {
    const paths = [
      '//v1/telemetry/events',
      '/v1/telemetry/./events',
      '/health/../v1/telemetry/events',
      '/v1/telemetry/events/',
      '/V1/telemetry/events',
      '/v1/telemetry%2Fevents',
      '/metrics/../v1/telemetry/events',
      '/livez?/../v1/telemetry/events',
      '/..%2f..%2fetc/passwd',
      '/static/../../../../etc/passwd',
    ];
    for (const path of paths) {
      const headers = {
        'x-original-url': '/v1/telemetry/events',
        'x-rewrite-url': '/v1/telemetry/events',
      };
      const asked = { method: 'GET', path, contentType: 'text/plain', headers };
      // Nobody's path, or the one it begins with: what a key is needed for is not reached.
      expect(['let in', 'unauthenticated']).toContain(await way.ask(asked));
    }
    expect(await database.count('select count(*) from system_telemetry')).toBe(0);
  });

  it('takes no key from the address', async () => {
    const right = secrets.of.query;
    for (const name of ['api_key', 'x-api-key', 'access_token', 'token', 'authorization']) {
      const path = `/v1/telemetry/stats?${name}=${right}`;
      const asked = { method: 'GET', path, contentType: 'text/plain', headers: {} };
      expect(await way.ask(asked)).toBe('unauthenticated');
    }
  });
});
