import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { dayMs } from '../../src/units.ts';
import { startCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startDirectWriters } from '../support/direct-writers.ts';
import { getJson, postJson } from '../support/http.ts';
import { insertOlder, olderTelemetry } from '../support/older-tables.ts';
import { untilReason } from '../support/readiness.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('empty');
});
afterEach(() => database.drop());

const countOf = (type: string) =>
  database.count(`select count(*) from system_telemetry where event_type = '${type}'`);
const strays = () => database.count('select count(*) from only system_telemetry_default');

it('starts for the first time while older services insert, none of whose inserts fails', async () => {
  await database.rows(olderTelemetry);
  const writers = await startDirectWriters(database.url);
  await writers.untilInserted(200);
  const telemetry = await startCollector({}, database);
  await writers.untilInserted(500);
  await writers.stop();
  expect(writers.errors).toEqual([]);
  while ((await countOf('DIRECT')) < writers.inserted) await sleep(20);
  expect(await countOf('DIRECT')).toBe(writers.inserted);
  expect(await strays()).toBe(0);
  await telemetry.stop();
});

/** No partition for the last two days, and none for today. */
async function beTwoDaysOff(): Promise<void> {
  const telemetry = await startCollector({}, database);
  await telemetry.stop();
  const partitions = await database.rows<{ name: string }>(`
    select inhrelid::regclass as name from pg_inherits
    where inhparent = any(array['system_telemetry'::regclass, 'batch_ledger'::regclass])
      and inhrelid::regclass::text !~ '_default$'
      and right(inhrelid::regclass::text, 8) >= to_char(now() at time zone 'UTC' - interval '2 days', 'YYYYMMDD')`);
  for (const { name } of partitions) await database.rows(`drop table ${name}`);
  await insertOlder(database, 'OFF', 20_000);
  await database.rows(
    `update system_telemetry set timestamp = now() - value * interval '8 seconds' where event_type = 'OFF'`,
  );
}

it('is ready after two days off though older services and clients go on', async () => {
  await beTwoDaysOff();
  expect(await strays()).toBe(20_000);
  const writers = await startDirectWriters(database.url);
  const telemetry = await startCollector({}, database);
  const posted = Array.from({ length: 100 }, () =>
    postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'POSTED' }),
  );
  expect((await Promise.all(posted)).map(({ status }) => status)).toEqual(Array(100).fill(200));
  await writers.untilInserted(200);
  await writers.stop();
  expect(writers.errors).toEqual([]);
  while ((await countOf('POSTED')) < 100) await sleep(20);
  expect(await countOf('POSTED')).toBe(100);
  expect(await countOf('OFF')).toBe(20_000);
  expect(await countOf('DIRECT')).toBe(writers.inserted);
  expect(await strays()).toBe(0);
  await telemetry.stop();
});

it('waits for long transactions in short tries, between which others write', async () => {
  await beTwoDaysOff();
  const holder = await database.pool.connect();
  await holder.query('begin');
  await holder.query(`insert into system_telemetry (event_type) values ('LONG')`);
  const writers = await startDirectWriters(database.url, 1);
  const starting = startCollector({}, database);
  // More than one try of ours, which would hold everybody up if it waited.
  const begun = performance.now();
  while (performance.now() - begun < 1500) await writers.untilInserted(1);
  await holder.query('commit');
  holder.release();
  const telemetry = await starting;
  await writers.stop();
  expect(writers.errors).toEqual([]);
  while ((await strays()) > 0) await sleep(20);
  expect(await countOf('LONG')).toBe(1);
  expect(await countOf('DIRECT')).toBe(writers.inserted);
  await telemetry.stop();
});

it('hides no row from somebody who reads while it moves into its partition', async () => {
  await beTwoDaysOff();
  const holder = await database.pool.connect();
  await holder.query('begin');
  await holder.query('lock table only system_telemetry_default in access share mode');
  const now = Date.now();
  const window = { table: 'system_telemetry', fromMs: now - 2 * dayMs, toMs: now } as const;
  const moving = ensurePartitions(createKysely(database.pool), window);
  const waiting = (mode: string) =>
    database.count(`
      select count(*) from pg_locks
      where not granted and mode = '${mode}' and database = (
        select oid from pg_database where datname = current_database())`);
  const isWaiting = async () => {
    while ((await waiting('AccessShareLock')) === 0) await sleep(5);
    return true;
  };
  let reading: Promise<number>;
  do {
    while ((await waiting('AccessExclusiveLock')) === 0) await sleep(5);
    reading = countOf('OFF');
    // Where it has let go for a moment, and the reader was quicker, there is another try.
  } while (!(await Promise.race([isWaiting(), reading.then(() => false)])));
  await holder.query('commit');
  holder.release();
  await moving;
  expect(await reading).toBe(20_000);
  expect(await strays()).toBe(0);
});

it('makes the partitions of other tables where those of one can not be made', async () => {
  const telemetry = await startCollector({}, database);
  await telemetry.stop();
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  await database.rows(`
    drop table system_telemetry_${tomorrow}, usage_stats_${tomorrow};
    create function refuse() returns event_trigger language plpgsql as $$ begin
      if current_query() like '%system_telemetry_${tomorrow}%' then raise 'not this one'; end if;
    end $$;
    create event trigger refuse on ddl_command_start execute function refuse()`);
  const again = await startCollector({}, database);
  await untilReason(again.baseUrl, /partitions: not this one/);
  expect(await database.count(`select count(*) from usage_stats_${tomorrow}`)).toBe(0);
  await database.rows('drop event trigger refuse');
  while ((await getJson(`${again.baseUrl}/readyz`)).body.reasons.length > 0) await sleep(50);
  expect(await database.count(`select count(*) from system_telemetry_${tomorrow}`)).toBe(0);
  await again.stop();
});
