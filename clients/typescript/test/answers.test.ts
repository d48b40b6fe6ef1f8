import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { RetryInfoSchema } from '../gen/google/rpc/error_details_pb.js';
import { readFailure } from '../src/answers.ts';
import { Composer } from '../src/encode.ts';
import { QueryError, Telemetry, type TelemetryOptions } from '../src/index.ts';
import { delayMsMax } from '../src/retry-delay.ts';
import { split } from '../src/split.ts';
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from './support/servers.ts';

/** Clauses 3.2 to 3.4 and 4.4: answers that nobody foresaw. */
let directory: string;
let cleanups: (() => Promise<unknown>)[];
beforeEach(() => {
  directory = temporaryDirectory().path;
  cleanups = [];
});
afterEach(async () => {
  for (const cleanup of cleanups) await cleanup();
});

function client(server: ScriptedServer, options: TelemetryOptions = {}): Telemetry {
  const logger = { info: () => {}, warn: () => {} };
  const telemetry = new Telemetry({
    url: server.url,
    spoolDirectory: directory,
    logger,
    ...options,
  });
  cleanups.push(() => telemetry.close());
  return telemetry;
}

async function start(answers: Parameters<typeof startScriptedServer>[0]): Promise<ScriptedServer> {
  const server = await startScriptedServer(answers);
  cleanups.push(server.stop);
  return server;
}

const html = '<html>a proxy</html>';
const componentsOf = ({ acknowledged }: ScriptedServer) =>
  acknowledged.flatMap(({ events }) => events.map(({ component }) => component)).toSorted();

describe('3.3 a delay that a server names', () => {
  const details = (value: string) => [{ type: RetryInfoSchema.typeName, value }];
  const retryInfo = (seconds: bigint, nanos = 0) =>
    details(
      base64Encode(
        toBinary(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds, nanos } })),
      ),
    );
  const delayOf = (retryAfter: string | undefined, more: object = {}) => {
    const body = JSON.stringify({ code: 'unavailable', message: 'm', ...more });
    return readFailure(503, new TextEncoder().encode(body), retryAfter).retryDelayMs;
  };

  it.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    [' 2 ', 2000],
    ['1.5', 1500],
    ['-7', 0],
    ['60', 60_000],
    ['86400', delayMsMax],
    ['9'.repeat(400), delayMsMax],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['soon', undefined],
    ['Mon, 99 Foo 2026 99:99:99 GMT', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Thursday, 01-Jan-70 00:00:00 GMT', 0],
    ['Thu Jan  1 00:00:00 1970', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', delayMsMax],
    ['Fri Dec 31 23:59:59 9999', delayMsMax],
  ])('as Retry-After: %j', (text, ms) => {
    expect(delayOf(text)).toBe(ms);
  });

  it('as an HTTP date', () => {
    const ms = delayOf(new Date(Date.now() + 30_000).toUTCString());
    expect(ms).toBeGreaterThan(28_000);
    expect(ms).toBeLessThanOrEqual(30_000);
  });

  it.each<[object[], number | undefined]>([
    [retryInfo(2n, 500_000_000), 2500],
    [retryInfo(-5n), 0],
    [retryInfo(86_400n), delayMsMax],
    [retryInfo(315_576_000_000n), delayMsMax],
    [retryInfo(2n ** 63n - 1n), delayMsMax],
    [details('!!! no base64'), undefined],
    [details(base64Encode(new Uint8Array([255, 255]))), undefined],
    [[{}, { type: 7 }], undefined],
  ])('as RetryInfo, case %#', (given, ms) => {
    expect(delayOf(undefined, { details: given })).toBe(ms);
  });

  it('is no reason to forget what the error was', () => {
    const body = new TextEncoder().encode(
      JSON.stringify({ code: 'already_exists', details: details('!!!') }),
    );
    expect(readFailure(409, body, 'soon')).toMatchObject({ code: 'already_exists' });
  });

  it.each(['60', new Date(Date.now() + 60_000).toUTCString(), '9'.repeat(400)])(
    'of more than a moment puts the batch into the spool at once: %s',
    async (retryAfter) => {
      const server = await start([{ status: 503, headers: { 'retry-after': retryAfter } }]);
      const telemetry = client(server);
      telemetry.log('WAITS');
      expect(await telemetry.flush()).toMatchObject({ complete: true, spooled: 1 });
      telemetry.log('WAITS_TOO');
      expect(await telemetry.flush()).toMatchObject({ complete: true, spooled: 1 });
      expect(server.batches).toHaveLength(1);
      expect(readdirSync(directory).length).toBeGreaterThan(0);
    },
  );
});

const pages: ScriptedAnswer[] = [
  { status: 200, headers: { 'content-type': 'text/html' }, body: html },
  { status: 200, headers: { 'content-type': 'application/proto' }, body: html },
  { status: 200, headers: { 'content-type': 'application/json' }, body: '{"ok":true}' },
  { status: 200, headers: { 'content-type': 'text/plain' }, body: '' },
  { status: 204, body: '' },
  { status: 302, headers: { location: '/login' }, body: '' },
];

describe('3.2 a success that is not the service’s', () => {
  it.each(pages)('is an outage for sending: %j', async (page) => {
    const server = await start([page, page, page, { status: 200 }]);
    const telemetry = client(server);
    telemetry.log('KEPT', { component: 'kept' });
    expect(await telemetry.flush(10)).toMatchObject({ complete: true, spooled: 1, delivered: 0 });
    await expect.poll(() => telemetry.counters().delivered, { timeout: 10_000 }).toBe(1);
  });

  it.each(pages)('is an error for queries: %j', async (page) => {
    const server = await start([page]);
    const telemetry = client(server);
    await expect(telemetry.listEvents()).rejects.toThrow(QueryError);
    expect(await telemetry.getRecentEvents()).toEqual([]);
  });
});

describe('3.2 too large for what is in between', () => {
  /** A proxy that turns down what is larger, in a page. */
  const limited = (status: number, bytesMax: number) => (body: Buffer) =>
    body.length > bytesMax ? { status, body: html } : { status: 200 };
  const noise = (length: number) => randomBytes(length).toString('base64').slice(0, length);

  it.each([413, 414, 431])('is split, and set aside where it is one record: %d', async (status) => {
    const server = await start([limited(status, 2500)]);
    const telemetry = client(server);
    const components = Array.from({ length: 20 }, (_, at) => `c${String(at).padStart(2, '0')}`);
    for (const component of components) {
      telemetry.log('PART', {
        component,
        metadata: { text: noise(component === 'c07' ? 9000 : 150) },
      });
    }
    expect(await telemetry.flush(10)).toMatchObject({ complete: true, delivered: 19, dropped: 1 });
    expect(telemetry.counters().dropped.refused).toBe(1);
    expect(componentsOf(server)).toEqual(components.filter((each) => each !== 'c07'));
    const [kept = ''] = readdirSync(directory);
    expect(kept).toMatch(/\.refused$/);
    expect(readFileSync(join(directory, kept), 'utf8')).toContain('"component":"c07"');
  });

  it('does not hold up what is in the spool', async () => {
    const server = await start([...Array(3).fill({ status: 503 }), limited(413, 2500)]);
    const telemetry = client(server, { batchEventsMax: 5 });
    for (let at = 0; at < 5; at += 1) {
      telemetry.log('PART', {
        component: `s${at}`,
        metadata: { text: noise(at === 3 ? 9000 : 900) },
      });
    }
    expect(await telemetry.flush(10)).toMatchObject({ spooled: 5 });
    await expect
      .poll(() => componentsOf(server), { timeout: 10_000 })
      .toEqual(['s0', 's1', 's2', 's4']);
    await expect.poll(() => readdirSync(directory)).toHaveLength(1);
  });

  it('gives the same halves to everybody', async () => {
    const composer = new Composer(undefined, 1e6);
    const fields = {
      kind: 'event',
      timeUs: 0,
      component: '',
      value: 1,
      metadata: null,
      status: '',
    } as const;
    for (const eventType of ['A', 'B', 'C']) composer.add({ ...fields, eventType });
    const batch = composer.finish();
    const [first, second] = [await split(batch), await split(batch)];
    expect(second.map(({ id, bytes }) => ({ id, bytes }))).toEqual(
      first.map(({ id, bytes }) => ({ id, bytes })),
    );
    expect(first.map(({ records }) => records)).toEqual([2, 1]);
    // As the Python library has them.
    const whole = { ...batch, id: '01933f00-0000-7abc-8def-0123456789ab' };
    expect((await split(whole)).map(({ id }) => id)).toEqual([
      '01933f00-0000-7bd9-8aa2-ce70b05af86d',
      '01933f00-0000-7cca-bf5c-85a2c749a047',
    ]);
  });
});

describe('1.2 a record that is too large', () => {
  const large = 'x'.repeat(3 * 1024 * 1024);
  it.each([
    ['by its metadata is kept as far as it fits', { metadata: { large, own: 1 } }, 501, 0],
    ['by a name is dropped by itself', { component: large }, 500, 1],
  ])('%s', async (_, fields, delivered, invalid) => {
    const server = await start([{ status: 200 }]);
    const telemetry = client(server);
    for (let count = 0; count < 500; count += 1) telemetry.log('SMALL');
    telemetry.log('LARGE', fields);
    expect(await telemetry.flush(10)).toMatchObject({ complete: true, delivered });
    expect(telemetry.counters().dropped.invalid).toBe(invalid);
  });
});

it('4.4 a line that somebody in between turns down does not hold up the rest', async () => {
  const server = await start([
    ...Array(3).fill({ status: 503 }),
    (_body: Buffer, batch) =>
      batch.events.some(({ component }) => component === 'poison')
        ? { status: 406, body: html }
        : { status: 200 },
  ]);
  const telemetry = client(server, { batchEventsMax: 1 });
  telemetry.log('LINE', { component: 'poison' });
  await telemetry.flush(10);
  for (const component of ['a', 'b', 'c']) telemetry.log('LINE', { component });
  await telemetry.flush(10);
  await expect.poll(() => componentsOf(server), { timeout: 20_000 }).toEqual(['a', 'b', 'c']);
  await expect.poll(() => telemetry.counters().dropped.refused, { timeout: 20_000 }).toBe(1);
  await expect.poll(() => readdirSync(directory)).toEqual([expect.stringMatching(/\.refused$/)]);
});

it('3.4 an outage of everything with a page of status 4xx loses nothing', async () => {
  const server = await start([...Array(5).fill({ status: 406, body: html }), { status: 200 }]);
  const telemetry = client(server, { batchEventsMax: 1 });
  for (const component of ['a', 'b', 'c']) telemetry.log('OUTAGE', { component });
  expect(await telemetry.flush(10)).toMatchObject({ complete: true, spooled: 3 });
  await expect.poll(() => componentsOf(server), { timeout: 25_000 }).toEqual(['a', 'b', 'c']);
  expect(telemetry.counters().dropped.refused).toBe(0);
});
