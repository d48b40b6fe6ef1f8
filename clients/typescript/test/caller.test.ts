import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry, type TelemetryOptions } from '../src/index.ts';

/** Clause 1: what the caller gets, and what it never gets. */
let collector: TestCollector;
let directory: ReturnType<typeof temporaryDirectory>;
beforeAll(async () => {
  collector = await startCollector();
  directory = temporaryDirectory();
});
afterAll(async () => {
  await collector.stop();
  directory.remove();
});

const silent = { info: () => {}, warn: () => {} };
const client = (options: TelemetryOptions = {}) =>
  new Telemetry({
    url: collector.baseUrl,
    spoolDirectory: directory.path,
    logger: silent,
    ...options,
  });

const metadataOf = async (component: string) => {
  const rows = await collector.database.rows<{ metadata: unknown }>(
    'select metadata from system_telemetry where component = $1',
    [component],
  );
  return rows.map(({ metadata }) => metadata);
};

describe('1.2 what can not be encoded', () => {
  it.each<[string, string, object]>([
    ['no event type', '', {}],
    ['a value that is no number', 'ODD', { value: 'many' }],
    ['an empty text for a number', 'ODD', { value: ' ' }],
    ['an empty list for a number', 'ODD', { value: [] }],
    ['a value that is not finite', 'ODD', { value: Number.NaN }],
    ['a time that is none', 'ODD', { timestamp: new Date('x') }],
    ['a symbol for a number', 'ODD', { value: Symbol('x') }],
    ['a text that is no name of anything', 'ODD', { component: 'x'.repeat(4097) }],
    ['the same by its bytes', 'ODD', { status: '\u20ac'.repeat(1366) }],
  ])('is counted and dropped: %s', async (_, eventType, fields) => {
    const warn = vi.fn();
    await using telemetry = client({ logger: { info: () => {}, warn } });
    telemetry.log(eventType, fields);
    telemetry.log('FINE', { component: 'beside an odd one' });
    expect(await telemetry.flush()).toMatchObject({ complete: true });
    expect(telemetry.counters()).toMatchObject({ delivered: 1, dropped: { invalid: 1 } });
    expect(warn).toHaveBeenCalledOnce();
  });

  it('is no reason to warn more than once a minute', async () => {
    const warn = vi.fn();
    await using telemetry = client({ logger: { info: () => {}, warn } });
    for (let count = 0; count < 100; count += 1) telemetry.log('');
    await telemetry.flush();
    expect(telemetry.counters().dropped.invalid).toBe(100);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('and neither are arguments that are all wrong', async () => {
    const telemetry = client() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const textless = {
      get metadata() {
        throw Object.create(null);
      },
    };
    const wrongs = [
      null,
      5,
      'text',
      [],
      Symbol('x'),
      () => {},
      10n,
      Number.NaN,
      new Map(),
      textless,
    ];
    for (const wrong of [...wrongs, revoked.proxy, Object.create(null)]) {
      expect(typeof telemetry.log?.(wrong, wrong)).toBe('boolean');
      expect(typeof telemetry.log?.('A', { component: wrong, metadata: wrong })).toBe('boolean');
      expect(typeof telemetry.logUsage?.(wrong, wrong, wrong, wrong, wrong, wrong)).toBe('boolean');
      expect(typeof telemetry.logLoadLatency?.(wrong, wrong, wrong)).toBe('boolean');
      expect(typeof telemetry.logThoughtLatency?.(wrong, wrong, wrong, wrong)).toBe('boolean');
      expect(telemetry.timer?.('A', wrong, () => 'measured')).toBe('measured');
      expect(await telemetry.flush?.(wrong)).toMatchObject({ handedOver: 0 });
    }
    await telemetry.close?.();
  });
});

describe('1.3 the result', () => {
  it('is false when the queue is full', async () => {
    await using telemetry = client({ queueEventsMax: 3 });
    const results = Array.from({ length: 5 }, () => telemetry.log('FULL', { component: 'full' }));
    expect(results).toEqual([true, true, true, false, false]);
    await telemetry.flush();
    expect(telemetry.counters()).toMatchObject({ delivered: 3, dropped: { queue_full: 2 } });
  });

  it('is false when the client is closed, twice too', async () => {
    const telemetry = client();
    telemetry.log('CLOSED', { component: 'closed' });
    const closed = await Promise.all([telemetry.close(), telemetry.close()]);
    expect(closed.map(({ complete }) => complete)).toEqual([true, true]);
    expect(telemetry.log('CLOSED', { component: 'closed' })).toBe(false);
    expect(await telemetry.flush()).toMatchObject({ complete: true });
    expect(await metadataOf('closed')).toHaveLength(1);
  });

  it('is false when telemetry is disabled', async () => {
    await using telemetry = client({ enabled: false });
    expect(telemetry.log('DISABLED')).toBe(false);
    expect(await telemetry.flush()).toMatchObject({ complete: true });
    expect(telemetry.counters().taken).toBe(0);
  });
});

it('6.2 what was dropped is reported with the next success', async () => {
  await using telemetry = client({ queueEventsMax: 2, serviceName: 'reporter' });
  for (let value = 0; value < 5; value += 1) telemetry.log('LOST', { component: 'lost', value });
  await telemetry.flush();
  await telemetry.flush();
  const events = await collector.database.rows(
    `select event_type, value, status, metadata - 'resource' as metadata from system_telemetry
      where component = 'reporter'`,
  );
  const metadata = { queue_full: 3 };
  expect(events).toEqual([
    { event_type: 'TELEMETRY_DROPPED', value: 3, status: 'WARNING', metadata },
  ]);
});
