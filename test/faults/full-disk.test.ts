import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type JsonAnswer, postJson } from '../support/http.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { canMount, SmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const mebibyte = 1024 * 1024;

// Elsewhere a limit on the size of files stands in for the disk: spool-write.test.ts.
describe.runIf(canMount)('a full disk', () => {
  let database: TestDatabase;
  let disk: SmallDisk;
  let collector: CollectorProcess;
  let acknowledged: number[];
  beforeEach(async () => {
    database = await createDatabase();
    disk = new SmallDisk(join(temporaryDirectory().path, 'data'), 4);
    acknowledged = [];
  });
  afterEach(async () => {
    await collector.end('SIGKILL');
    disk.unmount();
    await database.drop();
  });

  const start = async (env: Environment) => {
    const own = { DATABASE_URL: database.url, TELEMETRY_DATA_DIR: disk.path };
    collector = await spawnCollector({ ...own, ...env });
  };

  let sent = 0;
  async function post(): Promise<JsonAnswer> {
    const value = sent++;
    const answer = await postJson(`${collector.baseUrl}/v1/telemetry/log`, {
      event_type: 'FULL_DISK',
      value,
      metadata: { text: 'x'.repeat(20_000) },
    });
    if (answer.status === 200) acknowledged.push(value);
    return answer;
  }

  async function untilRefused(): Promise<JsonAnswer> {
    for (;;) {
      const answer = await post();
      if (answer.status !== 200) return answer;
    }
  }

  async function expectAllStoredOnce(): Promise<void> {
    const account = () => accountOf(collector.baseUrl);
    await expect.poll(async () => (await account()).pending, { timeout: 20_000 }).toBe(0);
    expect(imbalance(await account())).toBe(0);
    const rows = await database.rows<{ value: number; count: number }>(
      'select value, count(*)::int as count from system_telemetry group by value',
    );
    expect(rows.filter(({ count }) => count > 1)).toEqual([]);
    const stored = new Set(rows.map(({ value }) => value));
    expect(acknowledged.filter((value) => !stored.has(value))).toEqual([]);
    expect(await collector.end('SIGTERM')).toBe(0);
  }

  it('is refused with a retry, loses nothing, and is used again when there is room (5.4)', async () => {
    await start({
      TELEMETRY_DISK_RESERVE_BYTES: '0',
      // No more than the disk has: what is refused must not count against it.
      TELEMETRY_SPOOL_BYTES_MAX: String(3 * mebibyte),
    });
    const endOutage = await beginOutage(database);
    for (let count = 0; count < 10; count++) expect((await post()).status).toBe(200);
    disk.fill(100_000);
    const first = await untilRefused();
    expect(acknowledged.length).toBeGreaterThan(10);
    const refusals = [first];
    for (let count = 0; count < 200; count++) refusals.push(await post());
    for (const { status, headers, body } of refusals.filter(({ status }) => status !== 200)) {
      expect([status, body.code]).toEqual([503, 'unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const segments = readdirSync(join(disk.path, 'spool')).filter((name) => name.endsWith('.log'));
    expect(segments.length).toBeLessThan(20);
    disk.free();
    for (let count = 0; count < 10; count++) expect((await post()).status).toBe(200);
    await endOutage();
    await expectAllStoredOnce();
  });

  it('is kept from being full by the reserve (3.3)', async () => {
    await start({ TELEMETRY_DISK_RESERVE_BYTES: String(mebibyte) });
    const endOutage = await beginOutage(database);
    disk.fill(2 * mebibyte);
    const { status, headers, body } = await untilRefused();
    expect([status, body.code]).toEqual([429, 'resource_exhausted']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.message).toContain('disk is nearly full');
    disk.free();
    await expect.poll(async () => (await post()).status).toBe(200);
    await endOutage();
    await expectAllStoredOnce();
  });
});
