import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Turns } from '../../src/serve/turns.ts';
import { startCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';

/** The test's own limit ends it. */
const forAsLongAsItTakes = { timeout: 60_000, interval: 50 };

describe('a collector that could not look for longer than an answer may take', () => {
  let database: TestDatabase;
  let collector: CollectorProcess;
  beforeAll(async () => {
    database = await createDatabase();
    collector = await spawnCollector({ DATABASE_URL: database.url });
  });
  afterAll(async () => {
    await collector.end('SIGTERM');
    await database.drop();
  });

  it.each([
    ['log', { event_type: 'LATE' }],
    ['usage', { model: 'LATE' }],
    ['batch', { events: [{ event_type: 'LATE' }] }],
  ])('refuses a waiting post by %s with a hint, and does not store it late', async (name, body) => {
    const url = `${collector.baseUrl}/v1/telemetry/${name}`;
    collector.process.kill('SIGSTOP');
    const waiting = [postJson(url, body), postJson(url, body)];
    await sleep(1200);
    collector.process.kill('SIGCONT');
    for (const answer of await Promise.all(waiting)) {
      expect(answer).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(
      await database.count("select count(*) from system_telemetry where event_type = 'LATE'"),
    ).toBe(0);
    // What comes later is taken again.
    const empty = { event_type: 'NEXT', model: 'NEXT', events: [] };
    const isTaken = async () => (await postJson(url, empty)).status;
    await expect.poll(isTaken, forAsLongAsItTakes).toBe(200);
  });
});

it.each([
  ['/v1/telemetry/log', { event_type: 'HASTY' }],
  ['/gravitas.telemetry.v1.IngestService/Log', { event_type: 'HASTY' }],
  ['/gravitas.telemetry.v1.IngestService/LogBatch', { events: [{ event_type: 'HASTY' }] }],
  ['/gravitas.telemetry.v1.QueryService/ListEvents', {}],
  ['/grpc.health.v1.Health/Check', {}],
])('answers a caller that waits for less than that, on %s', async (path, body) => {
  const telemetry = await startCollector({ TELEMETRY_UNARY_MS_MAX: '20000' });
  const post = (timeoutMs: number) =>
    fetch(`${telemetry.baseUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'connect-timeout-ms': String(timeoutMs) },
      body: JSON.stringify(body),
    });
  // Less than a quarter of what an answer may take.
  const inTime = await post(4500);
  expect([inTime.status, await inTime.text()]).toEqual([200, expect.any(String)]);
  await telemetry.stop();
});

it('requests take turns, and whatever else waits for the event loop comes in between', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const busy = (name: string) => () => {
    seen.push(name);
    // More than a turn.
    for (const end = performance.now() + 25; performance.now() < end; );
  };
  const others = () => {
    seen.push('others');
    if (!seen.includes('3')) setImmediate(others);
  };
  setImmediate(others);
  for (const name of ['1', '2', '3']) turns.begin(busy(name));
  await expect.poll(() => seen).toContain('3');
  expect(seen.slice(0, 5)).toEqual(['1', 'others', '2', 'others', '3']);
  turns.close();
});

describe('after a pause', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('what is read may have waited through it until the loop has gone round, however long that takes', () => {
    let now = 0;
    let tick = () => {};
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    vi.spyOn(globalThis, 'setInterval').mockImplementation((callback) => {
      tick = callback as () => void;
      return { unref: () => undefined } as unknown as NodeJS.Timeout;
    });
    const turns = new Turns();
    const later = (ms: number) => {
      now += ms;
      tick();
      return turns.lateMs;
    };
    expect(later(50)).toBe(0);
    expect(later(1250)).toBe(1200);
    // Others have the processor.
    expect([later(180), later(180)]).toEqual([1200, 1200]);
    expect([later(50), later(50), later(50), later(50)].at(-1)).toBe(0);
  });
});
