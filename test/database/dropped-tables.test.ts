import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { dropAdoptedTables } from '../../src/database/legacy-tables.ts';
import { dayMs } from '../../src/units.ts';
import { newUuidV7 } from '../../src/uuid.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { metric } from '../support/metrics.ts';
import {
  insertOlder,
  olderTelemetry,
  olderUsage,
  routerMigration,
} from '../support/older-tables.ts';
import { untilReason } from '../support/readiness.ts';

// A loss is noticed within a second, and mended in another one.
vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
let collectors: TestCollector[];
beforeEach(async () => {
  database = await createDatabase('empty');
  collectors = [];
});
afterEach(async () => {
  await Promise.all(collectors.map((collector) => collector.stop()));
  await database.drop();
});

async function start(): Promise<TestCollector> {
  const collector = await startCollector({}, database);
  collectors.push(collector);
  return collector;
}

/** An older table with rows, adopted. */
async function startOnOlderRows(rows = 100): Promise<TestCollector> {
  await database.rows(olderTelemetry);
  await insertOlder(database, 'FIRST', rows);
  const collector = await start();
  await untilCount('FIRST', rows);
  return collector;
}

async function countOf(type: string): Promise<number> {
  return await database
    .count(`select count(*) from system_telemetry where event_type = '${type}'`)
    .catch(() => -1);
}

async function untilCount(type: string, count: number): Promise<void> {
  while ((await countOf(type)) !== count) await sleep(20);
}

const post = (collector: TestCollector, event_type: string) =>
  postJson(`${collector.baseUrl}/v1/telemetry/log`, { event_type });

async function untilCommitted(collector: TestCollector): Promise<void> {
  while ((await post(collector, 'AFTER')).body.durability !== 'DURABILITY_COMMITTED') {
    await sleep(20);
  }
}

const unfinished = 'select count(*) from adoption where finished_at is null';

const everyTable = [
  'system_telemetry',
  'usage_stats',
  'batch_ledger',
  'call_claims',
  'erasures',
  'dead_letters',
  'adoption',
  'telemetry_schema',
  'telemetry_keys',
  'telemetry_audit',
  'telemetry_key_demand',
  'telemetry_migration',
];

describe('tables that are dropped under a running collector', () => {
  it.each([
    ...everyTable.map((table) => [table]),
    ['system_telemetry', 'usage_stats'],
    ['system_telemetry', 'adoption'],
    everyTable,
  ])('makes them anew: %s %s', async (...tables) => {
    const collector = await startOnOlderRows();
    const migrations = () => database.count('select count(*) from telemetry_schema');
    const known = await migrations();
    await database.rows(`drop table ${tables.join(', ')} cascade`);
    const { status } = await untilReason(collector.baseUrl, new RegExp(`${tables[0]} is missing`));
    expect(status).toBe(200);
    expect((await getJson(`${collector.baseUrl}/health`)).body.status).toBe('degraded');
    await untilCommitted(collector);
    await untilCount('FIRST', 100);
    // Nothing is copied twice, though the bookmark may be gone.
    while ((await database.count(unfinished).catch(() => 1)) > 0) await sleep(20);
    expect(await countOf('FIRST')).toBe(100);
    while ((await migrations().catch(() => 0)) !== known) await sleep(20);
    expect(await database.count('select count(*) from only system_telemetry_default')).toBe(0);
    const series = `telemetry_tables_remade_total{table="${tables[0]}"}`;
    const remade = tables[0] === 'telemetry_schema' ? 0 : 1;
    while ((await metric(collector.baseUrl, series)) !== remade) await sleep(20);
  });

  it('adopts what older services have put into tables of the older shape meanwhile', async () => {
    const collector = await startOnOlderRows();
    for (const type of ['SECOND', 'THIRD']) {
      await database.rows(
        `begin; ${routerMigration}; ${olderTelemetry}; ${olderUsage};
         insert into system_telemetry (event_type, value) values ('${type}', 1), ('${type}', 2);
         insert into usage_stats (model, layer, prompt_tokens) values ('${type}', 'L1', 3);
         commit`,
      );
      await untilCount(type, 2);
      await untilCount('FIRST', 100);
      await untilCommitted(collector);
    }
    await untilCount('SECOND', 2);
    expect(await database.count('select count(*) - count(distinct id) from system_telemetry')).toBe(
      0,
    );
    const models = () => database.rows('select model from usage_stats order by 1');
    while ((await models()).length < 2) await sleep(20);
    expect(await models()).toEqual([{ model: 'SECOND' }, { model: 'THIRD' }]);
    const older = await database.rows(
      `select id::text from system_telemetry where id::text like '%-8001-8000-000000000001' order by 1`,
    );
    expect(older.map(({ id }) => id)).toEqual([
      '00000000-0000-8001-8000-000000000001',
      '00000000-0001-8001-8000-000000000001',
      '00000000-0002-8001-8000-000000000001',
    ]);
  });

  it('loses nothing that is sent meanwhile, and stores it once', async () => {
    const collector = await start();
    await database.rows(routerMigration);
    const posted = [];
    for (let n = 0; n < 200; n++) posted.push(await post(collector, 'MEANWHILE'));
    expect(posted.map(({ status }) => status)).toEqual(Array(200).fill(200));
    await untilCount('MEANWHILE', 200);
  });

  it.each([
    ['a view', 'create view system_telemetry as select 1 as id'],
    [
      'a table partitioned in another way',
      `create table system_telemetry (id serial, event_type text, timestamp timestamptz)
         partition by list (event_type);
       create table system_telemetry_default partition of system_telemetry default;
       insert into system_telemetry (event_type, timestamp) values ('IN PLACE', now())`,
    ],
    [
      'a table of the same columns',
      `create table system_telemetry (id uuid, "timestamp" timestamptz, observed_at timestamptz,
         event_type text, component text, value double precision, metadata jsonb, status text);
       insert into system_telemetry values (gen_random_uuid(), now(), now(), 'IN PLACE')`,
    ],
  ])('sets %s aside that stands in their place', async (_, inPlace) => {
    const collector = await startOnOlderRows();
    await database.rows(`begin; ${routerMigration}; ${inPlace}; commit`);
    await untilReason(collector.baseUrl, /system_telemetry (is|has)/);
    await untilCommitted(collector);
    await untilCount('FIRST', 100);
    if (inPlace.includes('IN PLACE')) await untilCount('IN PLACE', 1);
    else await untilReason(collector.baseUrl, /is a view, whose rows are not copied/);
  });

  it('lets several collectors notice at once', async () => {
    const first = await startOnOlderRows();
    const others = await Promise.all([start(), start()]);
    await database.rows(`begin; ${routerMigration}; ${olderTelemetry}; commit`);
    await insertOlder(database, 'SECOND', 5).catch(() => insertOlder(database, 'SECOND', 5));
    await Promise.all([first, ...others].map(untilCommitted));
    await untilCount('SECOND', 5);
    await untilCount('FIRST', 100);
    expect(
      await database.count(
        `select count(*) from pg_class where relname like 'system\\_telemetry\\_legacy%' and relkind = 'r'`,
      ),
    ).toBe(2);
  });

  it('begins again where the copying is interrupted by it', async () => {
    const rows = 60_000;
    await database.rows(olderTelemetry);
    await insertOlder(database, 'FIRST', rows);
    const collector = await start();
    while ((await countOf('FIRST')) <= 0) await sleep(5);
    await database.rows(routerMigration);
    await untilCommitted(collector);
    await untilCount('FIRST', rows);
    await sleep(1500);
    expect(await countOf('FIRST')).toBe(rows);
  });
});

describe('tables that are dropped while no collector runs', () => {
  it('are made anew at the start', async () => {
    const collector = await startOnOlderRows();
    await collector.stop();
    collectors = [];
    await database.rows(`${routerMigration}; ${olderTelemetry}`);
    await insertOlder(database, 'SECOND', 4);
    const again = await start();
    await untilReason(again.baseUrl, /system_telemetry is a table that is not partitioned/);
    await untilCommitted(again);
    await untilCount('FIRST', 100);
    await untilCount('SECOND', 4);
  });
});

it('does not drop the last copies of rows that are gone from the new table', async () => {
  const collector = await startOnOlderRows();
  const drop = () => dropAdoptedTables(createKysely(database.pool));
  await collector.stop();
  collectors = [];
  await database.rows('delete from system_telemetry where value <= 7');
  expect(await drop()).toMatchObject([
    { dropped: false, reason: expect.stringMatching(/^7 of its rows are neither in/) },
  ]);
  await database.rows(`${routerMigration}; ${olderTelemetry}`);
  expect(await drop()).toMatchObject([
    { dropped: false, reason: expect.stringMatching(/start a collector or run migrate/) },
  ]);
  await start();
  await untilCount('FIRST', 100);
  while ((await database.count(unfinished)) > 0) await sleep(20);
  const writer = await database.pool.connect();
  await writer.query(
    `begin; insert into system_telemetry_legacy_2 (event_type) values ('AT THE LAST MOMENT')`,
  );
  const dropping = drop();
  const waiting = `select count(*) from pg_stat_activity
    where wait_event_type = 'Lock' and query like '%system_telemetry_legacy_2%'`;
  while ((await database.count(waiting)) === 0) await sleep(20);
  await writer.query('commit');
  writer.release();
  expect((await dropping).map(({ dropped }) => dropped)).toEqual([true, false]);
  await database.rows('delete from system_telemetry_legacy_2');
  expect((await drop()).map(({ dropped }) => dropped)).toEqual([true]);
  expect(await countOf('FIRST')).toBe(100);
});

describe('partitions that somebody has taken away', () => {
  const dayFrom = (days: number) =>
    new Date(Date.now() + days * dayMs).toISOString().slice(0, 10).replaceAll('-', '');
  const today = () => dayFrom(0);
  const isThere = async (table: string) =>
    (await database.count(`select count(*) from pg_class where relname = '${table}'`)) > 0;
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await sleep(20);
  };
  const untilSeenTo = ({ baseUrl }: TestCollector) =>
    until(async () => (await getJson(`${baseUrl}/readyz`)).body.since.partitions === undefined);

  it.each(['drop table', 'alter table system_telemetry detach partition'])('%s', async (take) => {
    const collector = await start();
    await database.rows(`${take} system_telemetry_${today()}`);
    await database.rows(`${take} system_telemetry_default`);
    await untilReason(collector.baseUrl, /system_telemetry has no default partition/);
    await untilCommitted(collector);
    while ((await database.count('select count(*) from only system_telemetry_default')) > 0) {
      await sleep(20);
    }
    // Not before: a query that begins while rows are moved sees neither place.
    const after = await countOf('AFTER');
    expect(after).toBeGreaterThan(0);
    await untilCount('AFTER', after);
  });

  it.each([
    ['of today', ['system_telemetry', today()]],
    ['of a day to come', ['usage_stats', dayFrom(1)]],
    ['of the memory of ids', ['batch_ledger', dayFrom(-2)]],
  ])('are made anew within seconds: one %s', async (_, [table, day]) => {
    const collector = await start();
    await untilSeenTo(collector);
    await database.rows(`drop table ${table}_${day}`);
    await until(() => isThere(`${table}_${day}`));
    await untilCommitted(collector);
  });

  it('are missed also where another one has come in the same moment', async () => {
    const collector = await start();
    await untilSeenTo(collector);
    await database.rows(`begin; drop table usage_stats_${today()};
      create table elsewhere partition of usage_stats
        for values from ('2099-01-01') to ('2099-01-02'); commit`);
    await until(() => isThere(`usage_stats_${today()}`));
  });

  it('have what somebody has added to their table: a CHECK, a column made of others', async () => {
    const collector = await start();
    await database.rows(`
      alter table system_telemetry add constraint small check (value < 100);
      alter table system_telemetry add column twice double precision
        generated always as (value * 2) stored`);
    await untilSeenTo(collector);
    await database.rows(`begin; drop table system_telemetry_${today()};
      insert into system_telemetry (id, "timestamp", observed_at, event_type, value)
        values (gen_random_uuid(), now(), now(), 'MOVED', 3); commit`);
    await until(() => isThere(`system_telemetry_${today()}`));
    await untilCommitted(collector);
    expect(
      await database.rows(`select tableoid::regclass::text as leaf, twice from system_telemetry
        where event_type = 'MOVED'`),
    ).toEqual([{ leaf: `system_telemetry_${today()}`, twice: 6 }]);
  });
});

it('answers a batch whose rows were dropped as a duplicate', async () => {
  const { baseUrl } = await start();
  const batch = { batch_id: newUuidV7(), events: [{ event_type: 'BATCHED' }] };
  const send = async () => (await postJson(`${baseUrl}/v1/telemetry/batch`, batch)).body;
  expect(await send()).toMatchObject({ events: 1, duplicate: false });
  await database.rows(routerMigration);
  await untilReason(baseUrl, /system_telemetry is missing/);
  while (!(await send()).duplicate) await sleep(20);
  await untilCount('BATCHED', 0);
});

it('what a collector of the release before makes anew gets the columns that it does not know', async () => {
  const collector = await start();
  await untilCommitted(collector);
  await database.rows(`
    alter table usage_stats drop column rolled cascade, drop column session_id cascade,
      drop column model_name cascade, drop column tokens_input cascade;
    alter table system_telemetry drop column rolled cascade;
    alter table event_rollup_hour drop column not_ok`);
  const insert = `insert into usage_stats (model_name, tokens_input) values ('second', 7)`;
  const isTaken = () =>
    database.rows(insert).then(
      () => true,
      () => false,
    );
  await expect.poll(isTaken, { timeout: 30_000 }).toBe(true);
  await untilCommitted(collector);
  const { body } = await getJson(`${collector.baseUrl}/v1/telemetry/usage/summary?model=second`);
  expect(body).toMatchObject({ requests: 1, input_tokens: 7 });
  expect(await database.count('select count(*) from telemetry_usage')).toBe(1);
  expect(await database.count('select count(not_ok) from event_rollup_hour')).toBe(0);
});
