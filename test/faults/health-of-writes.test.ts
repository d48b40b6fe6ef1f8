import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';

let database: TestDatabase;
let collector: CollectorProcess;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await collector.end('SIGTERM');
  await database.drop();
});

const start = async (env: Environment = {}) => {
  collector = await spawnCollector({ DATABASE_URL: database.url, ...env });
};
const post = (text = '') =>
  postJson(`${collector.baseUrl}/v1/telemetry/log`, { event_type: 'HEALTH', metadata: { text } });
const readyz = () => getJson(`${collector.baseUrl}/readyz`);
const health = async () => (await getJson(`${collector.baseUrl}/health`)).body;
const wait = { timeout: 15_000 };

async function expectWellAgain(): Promise<void> {
  const body = async () => (await readyz()).body;
  await expect.poll(body, wait).toEqual({ status: 'ready', reasons: [], since: {} });
  // What was tried before it was mended may fail after that.
  await expect.poll(health, wait).toMatchObject({ status: 'healthy', database: true });
  await expect.poll(async () => (await accountOf(collector.baseUrl)).pending, wait).toBe(0);
  expect(imbalance(await accountOf(collector.baseUrl))).toBe(0);
  expect(await metric(collector.baseUrl, 'telemetry_unwell_since_seconds{part="commit"}')).toBe(0);
}

const roleOf = (url: string, role: string): string => {
  const own = new URL(url);
  own.username = role;
  return own.href;
};

describe('a collector whose every write is spooled', () => {
  const cases: [string, RegExp, string, string][] = [
    [
      'because something refuses them',
      /no room/,
      `create function refuse() returns trigger language plpgsql as $$
         begin raise exception using errcode = '53100', message = 'no room'; end $$;
       create trigger refuse before insert on system_telemetry for each row execute function refuse()`,
      'drop trigger refuse on system_telemetry',
    ],
    [
      'because its role may not insert',
      /permission denied/,
      'revoke insert on system_telemetry from writing_role',
      'grant insert on system_telemetry to writing_role',
    ],
  ];

  it.each(cases)('says so: %s', async (_, reason, harm, mend) => {
    const role = 'writing_role';
    await database.rows(
      `do $$ begin create role ${role} login; exception when duplicate_object then end $$`,
    );
    await database.rows(
      `grant select, insert, update, delete on all tables in schema public to ${role};
       grant usage, create on schema public to ${role}`,
    );
    await start({ DATABASE_URL: roleOf(database.url, role) });
    expect((await post()).body.durability).toBe('DURABILITY_COMMITTED');
    await database.rows(harm);
    const beforeMs = Date.now();
    expect((await post()).body.durability).toBe('DURABILITY_SPOOLED');
    const { status, body } = await readyz();
    expect([status, body.status]).toEqual([200, 'degraded']);
    const told = body.reasons.find((each: string) => each.startsWith('commit: '));
    expect(told).toMatch(reason);
    expect(Date.parse(body.since.commit)).toBeGreaterThanOrEqual(beforeMs - 1);
    expect(await health()).toMatchObject({
      status: 'degraded',
      database: false,
      reasons: expect.arrayContaining([expect.stringMatching(reason)]),
    });
    const series = 'telemetry_unwell_since_seconds{part="commit"}';
    expect(await metric(collector.baseUrl, series)).toBe(Date.parse(body.since.commit) / 1000);
    expect(collector.logs.join('\n')).toMatch(/"part":"commit".*"msg":"degraded"/);
    await database.rows(mend);
    await expectWellAgain();
    expect(collector.logs.join('\n')).toMatch(/"part":"commit".*"msg":"well again"/);
  });

  it('says so: because the database became read-only', async () => {
    await start();
    // Nothing that a session may ask for helps against it.
    await database.rows(
      `create function refuse() returns trigger language plpgsql as $$
         begin raise exception using errcode = '25006', message = 'read-only'; end $$`,
    );
    await database.rows(
      'create trigger refuse before insert on batch_ledger for each row execute function refuse()',
    );
    // The first post of a busy machine may find another reason, or none in time.
    await expect
      .poll(async () => {
        const { durability } = (await post()).body;
        return [durability, (await readyz()).body.reasons.join()];
      }, wait)
      .toEqual(['DURABILITY_SPOOLED', expect.stringMatching(/commit: .*read-only/)]);
    await database.rows('drop trigger refuse on batch_ledger');
    await expectWellAgain();
  });
});

describe('a collector that refuses everything', () => {
  async function expectNothingTaken(part: string): Promise<void> {
    expect((await post('x'.repeat(5000))).status).toBe(429);
    await expect.poll(async () => (await readyz()).status, wait).toBe(503);
    const { body } = await readyz();
    expect(body.status).toBe('not ready');
    expect(body.reasons.join()).toContain(`${part}: `);
    expect(Date.parse(body.since[part])).toBeLessThanOrEqual(Date.now());
    expect(await health()).toMatchObject({ status: 'degraded' });
    expect(collector.logs.join('\n')).toMatch(new RegExp(`"part":"${part}".*"msg":"degraded"`));
  }

  it('is not ready: the spool is full', async () => {
    await start({ TELEMETRY_SPOOL_BYTES_MAX: '20000' });
    const endOutage = await beginOutage(database);
    while ((await post('x'.repeat(5000))).status === 200) {
      // There is room.
    }
    await expectNothingTaken('spool');
    await endOutage();
    await expectWellAgain();
    expect((await post()).body.durability).toBe('DURABILITY_COMMITTED');
  });

  it('is not ready: the database is away, and the disk is nearly full', async () => {
    await start({ TELEMETRY_DISK_RESERVE_BYTES: String(2 ** 40) });
    expect((await post()).body.durability).toBe('DURABILITY_COMMITTED');
    await expect
      .poll(async () => (await readyz()).body.reasons, wait)
      .toEqual(['disk: the disk is nearly full']);
    expect((await readyz()).status).toBe(200);
    const endOutage = await beginOutage(database);
    await post();
    await expectNothingTaken('disk');
    await endOutage();
    await expect.poll(async () => (await readyz()).status, wait).toBe(200);
  });

  it('is not ready: the embedded database has no room on the disk', async () => {
    await start({ DATABASE_URL: '', TELEMETRY_DISK_RESERVE_BYTES: String(2 ** 40) });
    await expectNothingTaken('disk');
  });
});
