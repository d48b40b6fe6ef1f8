import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { testConfig } from '../support/config.ts';
import { type Way, ways } from './ways.ts';

/** What nobody is to hear of where the database is, and as whom and where we come to it. */
const secret = `hidden${randomUUID().slice(0, 8)}`;

/** Databases that can't be had, what is said of each, and what the log says. */
const databases: [string, () => string, RegExp, RegExp][] = [
  [
    'behind a socket that is not there',
    () => `postgresql://${secret}@localhost/${secret}?host=/nowhere/${secret}`,
    /connect ENOENT/,
    new RegExp(`ENOENT /nowhere/${secret}`),
  ],
  [
    'on a port that is closed',
    () => `postgresql://${secret}:${secret}@127.0.0.1:1/${secret}`,
    /connect ECONNREFUSED/,
    /ECONNREFUSED 127\.0\.0\.1:1/,
  ],
  [
    'of a server that refuses the login',
    () => `postgresql://${secret}@localhost/postgres?host=${inject('postgresSocket')}`,
    /the login is refused \(SQLSTATE 28000\)/,
    new RegExp(`role \\\\"${secret}\\\\" does not exist`),
  ],
  [
    'that does not exist',
    () => `postgresql://postgres@localhost/${secret}?host=${inject('postgresSocket')}`,
    /there is no such database \(SQLSTATE 3D000\)/,
    new RegExp(`database \\\\"${secret}\\\\" does not exist`),
  ],
];

describe.each(databases)('a database %s', (_name, url, told, logged) => {
  const logs: string[] = [];
  let collector: Collector;
  beforeAll(async () => {
    const logger = pino({ level: 'warn' }, { write: (line: string) => void logs.push(line) });
    collector = await Collector.start(testConfig({ DATABASE_URL: url() }), logger);
    collector.untilReady().catch(() => {});
  });
  afterAll(() => collector.stop());

  const heard = async (way: Way, route: { method: string; path: string; contentType: string }) =>
    JSON.stringify(await way.hear({ ...route, headers: {} }));

  it.each(Object.entries(ways))('is not told of by any route over %s', async (_way, open) => {
    const way = open(`http://127.0.0.1:${collector.port}`);
    const health = async () =>
      await heard(way, { method: 'GET', path: '/health', contentType: 'text/plain' });
    await expect.poll(health, { timeout: 10_000 }).toMatch(told);
    const all: string[] = [];
    for (const { path, methods, mediaTypes, kind } of collector.routes) {
      if (kind === 'stream' && /Watch|Reflection/.test(path)) continue;
      for (const method of methods) {
        for (const contentType of method === 'POST'
          ? (mediaTypes ?? ['text/plain'])
          : ['text/plain'])
          all.push(await heard(way, { method, path, contentType }));
      }
    }
    way.close();
    expect(all.filter((text) => /\bdatabase\b/.test(text)).length).toBeGreaterThan(10);
    expect(all.join('\n')).toMatch(told);
    const own = new RegExp(`${secret}|nowhere|\\.s\\.PGSQL|127\\.0\\.0\\.1:|::1|postgresSocket`);
    expect(all.filter((text) => own.test(text))).toEqual([]);
  });

  it('is in the log with all that is known', () => {
    expect(logs.join('\n')).toMatch(logged);
  });
});
