import { describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { type OutgoingEvent, Telemetry, type TelemetryOptions } from '../src/index.ts';
import { settle } from '../src/options.ts';
import { startScriptedServer } from './support/servers.ts';

/** Clauses 7, 3.5 and 1.7. */
describe('7 an option that is wrong is said at once, by its name', () => {
  it.each<[string, unknown]>([
    ...[0, -1, 1.5, Number.NaN, Infinity, '100', 10_001].map((value): [string, unknown] => [
      'batchEventsMax',
      value,
    ]),
    ['batchBytesMax', 1023],
    ['batchBytesMax', 2 ** 20 + 1],
    ['batchAgeMsMax', 0],
    ['batchAgeMsMax', 2 ** 31],
    ['queueEventsMax', 0],
    ['spoolBytesMax', 1000],
    ['closeTimeoutS', -1],
    ['closeTimeoutS', Infinity],
    ['enabled', 'yes'],
    ['url', 'localhost:8002'],
    ['url', 'ftp://host'],
    ['url', 'http://'],
    ['url', 'http://a b'],
    ['url', 'http://ho%20st'],
    ['url', 'http://host\\x'],
    ['url', 'http://host?x=1'],
    ['url', 'http:host'],
    ['url', 8002],
    ['transport', 'pigeon'],
    ['fallback', 'disk'],
    ['token', 'two words'],
    ['token', 'line\nfeed'],
    ['token', 'umläut'],
    ['headers', ['a']],
    ['headers', { 'a b': 'c' }],
    ['headers', { a: 'line\nfeed' }],
    ['headers', { a: 5 }],
    ['resource', 'text'],
    ['serviceName', 5],
    ['headers', new Headers({ a: 'b' })],
    ['headers', new Map([['a', 'b']])],
    ['spoolDirectory', 5],
    ['spoolDirectory', ' '],
    ['caFile', 'a\0b'],
    ['beforeSend', 'function'],
    ['logger', { info: () => {} }],
    ['tls', 'yes'],
    ['batchEventMax', 5],
  ])('%s: %j', (name, value) => {
    const construct = () => new Telemetry({ [name]: value } as TelemetryOptions);
    expect(construct).toThrow(TypeError);
    expect(construct).toThrow(new RegExp(`\\b${name}\\b`));
  });

  it.each(['token', 'headers'])('and a secret is not repeated: %s', (name) => {
    const value = name === 'token' ? 'top\nsecret' : { authorization: 'top\nsecret' };
    let message = '';
    try {
      new Telemetry({ [name]: value } as TelemetryOptions);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(name);
    expect(message).not.toContain('secret');
  });

  it.each([null, 'text', 5])('options that are none: %j', (options) => {
    expect(() => new Telemetry(options as unknown as TelemetryOptions)).toThrow(TypeError);
  });

  it('what is undefined or null is not given', () => {
    const options = { url: undefined, batchEventsMax: null } as unknown as TelemetryOptions;
    expect(() => new Telemetry(options)).not.toThrow();
  });
});

describe('7 the environment', () => {
  it('has white space taken away', () => {
    const env = { TELEMETRY_URL: ' http://host:1//a//b// \n', TELEMETRY_TOKEN: 'token\n' };
    expect(settle({}, env, 'none')).toMatchObject({
      url: 'http://host:1/a/b',
      headers: { authorization: 'Bearer token' },
    });
  });

  it.each([
    ['TELEMETRY_TOKEN', 'se cret'],
    ['TELEMETRY_TRANSPORT', 'pigeon'],
    ['TELEMETRY_ENABLED', 'perhaps'],
    ['TELEMETRY_FALLBACK', 'disk'],
  ])('a mistake in %s is said, and counts as not given', (name, text) => {
    const warn = vi.fn<(message: string) => void>();
    expect(settle({}, { [name]: text }, 'none', warn)).toEqual(settle({}, {}, 'none'));
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(name));
    expect(warn.mock.calls[0]?.[0]).not.toContain(text);
  });

  it('a wrong TELEMETRY_URL is an outage, not another place', async () => {
    vi.stubEnv('TELEMETRY_URL', 'telemetry:8002');
    const warn = vi.fn();
    const telemetry = new Telemetry({
      spoolDirectory: temporaryDirectory().path,
      logger: { info: () => {}, warn },
    });
    expect(telemetry.log('KEPT')).toBe(true);
    expect(await telemetry.close(10)).toMatchObject({ complete: true, spooled: 1 });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('TELEMETRY_URL'));
    vi.unstubAllEnvs();
  });
});

it('3.5 a token with a line feed is accepted, and never said', async () => {
  const server = await startScriptedServer([{ status: 200 }]);
  const said: string[] = [];
  const logger = {
    info: (text: string) => said.push(text),
    warn: (text: string) => said.push(text),
  };
  const options = { fallback: 'logging', token: ' s3cret\n', logger } as const;
  const telemetry = new Telemetry({ url: ` ${server.url}// \n`, ...options });
  telemetry.log('A');
  expect(await telemetry.close()).toMatchObject({ delivered: 1 });
  expect(server.requests[0]?.headers.authorization).toBe('Bearer s3cret');
  expect(server.requests[0]?.url).toBe('/gravitas.telemetry.v1.IngestService/LogBatch');
  await server.stop();
  const down = new Telemetry({ url: server.url, ...options });
  down.log('B');
  await down.close(10);
  expect(said.length).toBeGreaterThan(0);
  expect(said.join()).not.toContain('s3cret');
});

describe('1.7 beforeSend', () => {
  async function sent(beforeSend: TelemetryOptions['beforeSend']) {
    const server = await startScriptedServer([{ status: 200 }]);
    const logger = { info: () => {}, warn: () => {} };
    const telemetry = new Telemetry({ url: server.url, fallback: 'none', logger, beforeSend });
    const metadata = { secret: 'x', nested: { secret: 'y' } };
    const at = new Date(1_700_000_000_123);
    telemetry.log('EVENT', { component: 'c', value: 1, metadata, timestamp: at });
    telemetry.logUsage('m', 'L1', 1, 2, 3, { costUsd: 0.5, metadata });
    await telemetry.close();
    await server.stop();
    expect(metadata).toEqual({ secret: 'x', nested: { secret: 'y' } });
    return { batches: server.batches, counters: telemetry.counters() };
  }

  it('gets the arguments, and what it changes is what is sent', async () => {
    const seen: object[] = [];
    const { batches } = await sent((record) => {
      seen.push(structuredClone(record));
      const metadata = record.metadata as { secret?: string; nested: { secret?: string } };
      delete metadata.secret;
      metadata.nested.secret = '***';
      return 'eventType' in record ? { ...record, value: 2 } : record;
    });
    const metadata = { secret: 'x', nested: { secret: 'y' } };
    expect(seen).toEqual([
      { eventType: 'EVENT', component: 'c', value: 1, metadata, timestamp: 1_700_000_000_123 },
      expect.objectContaining({
        model: 'm',
        layer: 'L1',
        costUsd: 0.5,
        completionTokens: 2,
        metadata,
      }),
    ]);
    const redacted = { nested: { secret: '***' } };
    const timestamp = { seconds: 1_700_000_000n, nanos: 123_000_000 };
    expect(batches).toMatchObject([
      {
        events: [{ eventType: 'EVENT', component: 'c', value: 2, metadata: redacted, timestamp }],
        usage: [{ model: 'm', inputTokens: 1n, costUsd: 0.5, metadata: redacted }],
      },
    ]);
  });

  it.each<[string, TelemetryOptions['beforeSend']]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a promise', (async () => ({})) as unknown as TelemetryOptions['beforeSend']],
    ['something else', (() => 'text') as unknown as TelemetryOptions['beforeSend']],
    [
      'an error',
      () => {
        throw new Error('no');
      },
    ],
    [
      'an error without a text',
      () => {
        throw Object.create(null);
      },
    ],
  ])('what it gives %s for is withheld', async (_, beforeSend) => {
    const { batches, counters } = await sent(beforeSend);
    expect(batches).toEqual([]);
    expect(counters).toMatchObject({ taken: 2, delivered: 0, dropped: { withheld: 2 } });
  });

  it('can not make a record of what is none', async () => {
    const { counters } = await sent((record) => ({ ...record, eventType: '' }) as OutgoingEvent);
    expect(counters).toMatchObject({ delivered: 0, dropped: { invalid: 2 } });
  });
});
