import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { dayMs } from '../../src/units.ts';
import { startCollector } from '../support/collector.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startDirectWriters } from '../support/direct-writers.ts';
import { getJson, postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { metric } from '../support/metrics.ts';
import { spawnCollector } from '../support/process.ts';
import { insertDays, leafOf, makeDays, retentionWork } from '../support/retention-work.ts';
import { installedVersions, startSystemPostgres } from '../support/system-postgres.ts';

/** The default. */
const retaining = { TELEMETRY_RETENTION_EVENT_DAYS: '60' };

vi.setConfig({ testTimeout: 120_000 });

let database: TestDatabase;
let retention: ReturnType<typeof retentionWork>;
beforeEach(async () => {
  database = await createDatabase();
  retention = retentionWork(database);
});
afterEach(async () => {
  await retention.end();
  await database.drop();
});

const rowsLeft = () => database.count('select count(*) from system_telemetry');
const rolledUp = async () => {
  await retention.work.sweep();
  await retention.work.fold();
  return await database.count(`
    select coalesce(sum(events), 0) from event_rollup_quarter
    where series = (select id from event_series where margin = 'all')`);
};

it('is done by one at a time, each day once', async () => {
  await makeDays(database, 80);
  await insertDays(database, 75, 70, 65, 1);
  const other = retentionWork(database);
  const passes = await Promise.all([retention.run(), other.run(), retention.run(), other.run()]);
  expect(passes.some((pass) => pass !== undefined)).toBe(true);
  await other.end();
  expect([...retention.dropped, ...other.dropped].toSorted()).toEqual(
    [75, 70, 65].map((days) => `${leafOf('system_telemetry', days)} age`),
  );
  expect(await database.count('select count(*) from retention_drops')).toBe(3);
  expect(await rolledUp()).toBe(4);
});

it('leaves a day that somebody reads to the next time, and drops the others', async () => {
  await makeDays(database, 80);
  await insertDays(database, 75, 70, 65);
  const reader = await database.pool.connect();
  await reader.query('begin');
  await reader.query(`select from ${leafOf('system_telemetry', 70)}`);
  const pass = await retention.run();
  expect(pass?.obstacles).toEqual([expect.stringContaining('lock timeout')]);
  expect(await rowsLeft()).toBe(1);
  await reader.query('commit');
  reader.release();
  expect(await retention.run()).toMatchObject({ obstacles: [] });
  expect(await rowsLeft()).toBe(0);
});

it('says who has to do it where the role may not', async () => {
  const role = `keeper_${process.pid}`;
  await makeDays(database, 80);
  await insertDays(database, 70);
  await database.rows(`create role ${role} login;
    grant select, insert, update, delete on all tables in schema public to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  const other = retentionWork({ ...database, url: url.toString() });
  try {
    const pass = await other.run();
    expect(pass?.obstacles).toEqual([expect.stringContaining('as the role that owns the tables')]);
    expect(await rowsLeft()).toBe(1);
  } finally {
    await other.end();
    await database.rows(`drop owned by ${role}; drop role ${role}`);
  }
  await retention.run();
  expect(await rowsLeft()).toBe(0);
});

it('is killed in the middle of a day without harm', async () => {
  await makeDays(database, 80);
  await insertDays(database, 75, 70, 1);
  await database.rows(`
    create function linger() returns trigger language plpgsql as $$
      begin perform pg_sleep(2); return new; end $$;
    create trigger linger before insert on retention_drops for each row execute function linger()`);
  const url = { DATABASE_URL: database.url };
  const collector = await spawnCollector(url, [], { until: 'listening' });
  const lingering = `select count(*) from pg_stat_activity
    where datname = current_database() and wait_event = 'PgSleep'`;
  while ((await database.count(lingering)) === 0) await sleep(10);
  await collector.end('SIGKILL');
  // Its transaction ends when its statement does.
  await database.rows('drop trigger linger on retention_drops');
  expect(await database.count('select count(*) from retention_drops')).toBe(0);
  expect(await rowsLeft()).toBe(3);
  // Those that it has claimed are rolled up, and stay so.
  const again = await startCollector(retaining, database);
  while ((await rowsLeft()) > 1) await sleep(20);
  await again.stop();
  expect(await rolledUp()).toBe(3);
});

it('keeps nobody from storing, and is told in metrics and footprint', async () => {
  await makeDays(database, 90);
  await insertDays(database, ...Array.from({ length: 25 }, (_, day) => 61 + day));
  const writers = await startDirectWriters(database.url, 2);
  const telemetry = await startCollector(
    { ...retaining, TELEMETRY_UNARY_MS_MAX: '9000' },
    database,
  );
  const { baseUrl } = telemetry;
  const dropped = 'telemetry_retention_dropped_partitions_total';
  const droppedOf = () => metric(baseUrl, `${dropped}{table="system_telemetry",reason="age"}`);
  const statuses: number[] = [];
  do {
    const { status } = await postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'POSTED' });
    statuses.push(status);
  } while ((await droppedOf()) < 25);
  await writers.stop();
  expect(writers.errors).toEqual([]);
  expect(statuses.every((status) => status === 200)).toBe(true);
  const kept = `select count(*) from system_telemetry where event_type in ('DIRECT', 'POSTED')`;
  while ((await database.count(kept)) < writers.inserted + statuses.length) await sleep(20);
  const { body } = await getJson(`${baseUrl}/v1/telemetry/footprint`);
  expect(body.retention).toMatchObject({ dropped_partitions: 25 });
  expect(body.retention.dropped).toHaveLength(20);
  const leaf = (body.partitions as { partition_name: string; drop_at?: string }[]).find(
    ({ partition_name }) => partition_name === leafOf('system_telemetry', 10),
  );
  const dropAt = Math.floor(Date.now() / dayMs + 51) * dayMs;
  expect(Date.parse(leaf?.drop_at ?? '')).toBe(dropAt);
  const floor = 'telemetry_retention_floor_seconds{table="system_telemetry"}';
  while ((await metric(baseUrl, floor)) === 0) await sleep(20);
  expect(Date.parse(body.retention.event_floor) / 1000).toBe(await metric(baseUrl, floor));
  await telemetry.stop();
});

it.for(installedVersions())('works on the PostgreSQL %s of the system', async (version) => {
  const { url, stop } = await startSystemPostgres(version);
  const collector = await Collector.start(testConfig({ DATABASE_URL: url }), silentLogger);
  await collector.untilReady();
  await collector.stop();
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => {});
  const rows = async (query: string, values?: unknown[]) => (await pool.query(query, values)).rows;
  const old = { ...database, url, pool, rows } as TestDatabase;
  await makeDays(old, 80);
  await insertDays(old, 400, 75, 61, 1);
  const work = retentionWork(old);
  expect(await work.run()).toMatchObject({ obstacles: [] });
  expect(await rows('select count(*)::int as left from system_telemetry')).toEqual([{ left: 1 }]);
  expect(work.dropped).toHaveLength(2);
  await work.end();
  await pool.end();
  await stop();
});
