import { afterEach, beforeEach, expect, it } from 'vitest';
import { Audit } from '../../src/admin/audit.ts';
import { erase } from '../../src/admin/erase.ts';
import { Writer } from '../../src/commit/writer.ts';
import { readFloors } from '../../src/rollup/floors.ts';
import { verify } from '../../src/rollup/verify.ts';
import { dayMs } from '../../src/units.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { insertDays, leafOf, makeDays, retentionWork } from '../support/retention-work.ts';

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

const midnight = (daysAgo: number) => Math.floor(Date.now() / dayMs) * dayMs - daysAgo * dayMs;
const daysLeft = async () =>
  (
    await database.rows<{ value: number }>(
      `select distinct value from system_telemetry where event_type = 'AGED' order by 1 desc`,
    )
  ).map(({ value }) => value);
const rolledUp = () =>
  database.count(`
    select coalesce(sum(events), 0) from event_rollup_quarter
    where series = (select id from event_series where margin = 'all')`);
const partitions = async (table: string) =>
  (
    await database.rows<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass`,
      [table],
    )
  ).map(({ name }) => name);

it('drops the days that are older, and keeps what they add up to', async () => {
  await makeDays(database, 80);
  await insertDays(database, 75, 70, 61, 59, 1);
  await database.rows(
    `insert into usage_stats (model, "timestamp")
      select 'm', now() - days * interval '1 day' from unnest(array[70, 59]) as days`,
  );
  expect(await retention.run()).toMatchObject({ obstacles: [] });
  expect(await daysLeft()).toEqual([59, 1]);
  expect(await database.count('select count(*) from usage_stats')).toBe(1);
  expect(retention.dropped.filter((name) => name.startsWith('system'))).toEqual(
    [75, 70, 61].map((days) => `${leafOf('system_telemetry', days)} age`),
  );
  const left = await partitions('system_telemetry');
  expect(left).not.toContain(leafOf('system_telemetry', 61));
  expect(left).toContain(leafOf('system_telemetry', 59));
  const { rowsMs } = await readFloors(retention.work.db);
  expect(rowsMs.event).toBe(midnight(60));
  expect(rowsMs.usage).toBe(midnight(69));

  await retention.work.sweep();
  await retention.work.fold();
  expect(await rolledUp()).toBe(5);
  expect((await verify(retention.work.db, {})).differences).toEqual([]);
  expect(await retention.run()).toMatchObject({ obstacles: [] });
  expect(retention.dropped).toHaveLength(4);
});

it('keeps partitions of days that may still be sent, without their rows', async () => {
  await makeDays(database, 40);
  await insertDays(database, 35, 20, 3);
  await retention.run({ rowDays: { event: 7, usage: 7 } });
  expect(await daysLeft()).toEqual([3]);
  const left = await partitions('system_telemetry');
  expect(left).toContain(leafOf('system_telemetry', 20));
  expect(left).not.toContain(leafOf('system_telemetry', 35));
  // What comes late is counted, and dropped again.
  await insertDays(database, 20);
  await retention.run({ rowDays: { event: 7, usage: 7 } });
  expect(await daysLeft()).toEqual([3]);
  await retention.work.sweep();
  await retention.work.fold();
  expect(await rolledUp()).toBe(4);
});

it('keeps what is young whatever a clock says', async () => {
  await makeDays(database, 80);
  await insertDays(database, 70, 50, 10);
  await retention.run({}, Date.now() + 400 * dayMs);
  expect(await daysLeft()).toEqual([50, 10]);
  await retention.run({}, Date.now() - 400 * dayMs);
  expect(await daysLeft()).toEqual([50, 10]);
});

it('does not believe a day that lies far after all that it knows', async () => {
  await makeDays(database, 80);
  await insertDays(database, 79, 75, 70, 5);
  await database.rows(
    `insert into retention_days select current_date - days from unnest(array[13, 12, 11]) as days`,
  );
  // It counts as the end of the eleventh day before.
  await retention.run();
  expect(await daysLeft()).toEqual([70, 5]);
  await retention.run();
  expect(await daysLeft()).toEqual([70, 5]);
  // The next day.
  await database.rows(`insert into retention_days select current_date - 1`);
  await retention.run();
  expect(await daysLeft()).toEqual([5]);
});

it('waits until rows from before there were rollups are read', async () => {
  await makeDays(database, 80);
  await insertDays(database, 70, 65);
  const name = leafOf('system_telemetry', 70);
  await database.rows(`insert into rollup_history (kind, partition_name) values ('event', $1)`, [
    name,
  ]);
  await retention.run();
  expect(await daysLeft()).toEqual([70]);
  await database.rows('update rollup_history set finished_at = now()');
  await retention.run();
  expect(await daysLeft()).toEqual([]);
  expect(await database.count('select count(*) from rollup_history')).toBe(0);
});

it('empties the default partition of what is old', async () => {
  await database.rows(`insert into system_telemetry (event_type, "timestamp")
    values ('ENDLESS', '-infinity'), ('FUTURE', now() + interval '100 days')`);
  await insertDays(database, 400, 100, 61, 50, 40);
  expect(await retention.run()).toMatchObject({ obstacles: [] });
  expect(await daysLeft()).toEqual([50, 40]);
  // What is rolled up before it is deleted may be too old for quarter hours at once.
  expect(retention.deleted).toEqual(['system_telemetry 4', 'event_rollup_quarter 4']);
  const strays = await database.rows(`select event_type from only system_telemetry_default`);
  expect(strays).toEqual([{ event_type: 'FUTURE' }]);
  expect(await partitions('system_telemetry')).toContain(leafOf('system_telemetry', 50));
  expect((await readFloors(retention.work.db)).rowsMs.event).toBe(midnight(60));
  await retention.work.sweep();
  await retention.work.fold();
  expect(await rolledUp()).toBe(5);
});

it('keeps adopted rows until it is told otherwise, and the older table is dropped', async () => {
  await makeDays(database, 80);
  await insertDays(database, 70, 65);
  await database.rows(`insert into adoption (source, target, rows_copied, finished_at)
    values ('system_telemetry_legacy', 'system_telemetry', 2, now())`);
  expect(await retention.run()).toMatchObject({ obstacles: [] });
  expect(await daysLeft()).toEqual([70, 65]);
  const told = await retention.run({ dropsAdopted: true });
  expect(told?.obstacles).toEqual([expect.stringContaining('legacy drop')]);
  expect(await daysLeft()).toEqual([70, 65]);
  await database.rows('update adoption set dropped_at = now()');
  await retention.run();
  expect(await daysLeft()).toEqual([70, 65]);
  await retention.run({ dropsAdopted: true });
  expect(await daysLeft()).toEqual([]);
});

it('drops the oldest days of both tables where all takes too much room', async () => {
  await makeDays(database, 20);
  const { bytes: empty } = (await retention.run()) ?? { bytes: 0 };
  for (const days of [9, 8, 7, 0]) {
    await database.rows(
      `insert into system_telemetry (event_type, component, value, "timestamp")
        select 'AGED', repeat('x', 200), $1::int, now() - $1 * interval '1 day' from generate_series(1, 2000)`,
      [days],
    );
  }
  await retention.work.sweep();
  await retention.work.fold();
  const { bytes: full } = (await retention.run()) ?? { bytes: 0 };
  const ofADay = (full - empty) / 4;
  expect(await retention.run({ bytesMax: full - ofADay / 2 })).toMatchObject({ obstacles: [] });
  expect(await daysLeft()).toEqual([8, 7, 0]);
  expect(retention.dropped).toEqual([`${leafOf('system_telemetry', 9)} size`]);
  await database.rows(`insert into adoption (source, target, rows_copied, started_at, finished_at)
    select 'older', 'system_telemetry', 2, now() - interval '9 days', now()`);
  const told = await retention.run({ bytesMax: 1 });
  expect(await daysLeft()).toEqual([8, 0]);
  expect(told?.obstacles).toEqual([
    expect.stringMatching(/more than the 1 MB of .*: \d+ MB are in partitions .*\(adopted\)$/),
  ]);
});

it('forgets totals, dead letters and the audit in their time', async () => {
  await insertDays(database, 800, 200, 100, 2);
  await retention.work.sweep();
  await retention.work.fold();
  await database.rows(`update rollup_state set settled_at = now() - interval '1 day'`);
  await database.rows(`
    insert into telemetry_audit (caller, action, detail, recorded_at)
    select 'x', 'y', '{}', now() - days * interval '1 day' from unnest(array[800, 700]) as days;
    insert into dead_letters (batch_id, table_name, "row", payload, reason, created_at)
    select gen_random_uuid(), 'system_telemetry', '', payload::jsonb, 'z', now() - days * interval '1 day'
    from (values (400, '{}'), (400, '{"row":"adopted"}'), (300, '{}')) as letters (days, payload)`);
  await retention.run();
  expect(retention.deleted).toEqual([
    'system_telemetry 3',
    expect.stringMatching(/^event_rollup_quarter \d+$/),
    expect.stringMatching(/^event_rollup_hour \d+$/),
    'telemetry_audit 1',
    'dead_letters 1',
  ]);
  const { levelsMs } = await readFloors(retention.work.db);
  expect(levelsMs).toMatchObject({ quarter: midnight(180), hour: midnight(730), day: -Infinity });
  expect(await rolledUp()).toBe(2);
});

it('keeps no value of what was erased right before', async () => {
  await makeDays(database, 80);
  await insertDays(database, 400, 400, 400, 70, 70, 70);
  await database.rows(`update system_telemetry set value = 1000, metadata = '{"user_id":"gone"}'
    where id in (select distinct on (value) id from system_telemetry)`);
  const { work } = retention;
  await work.sweep();
  await work.fold();
  const subject = { field: 'user_id', value: 'gone' } as const;
  const audit = new Audit(work.db, silentLogger);
  await erase(new Writer(work.pool), audit, { name: 'me' }, subject, false);
  expect(await retention.run()).toMatchObject({ obstacles: [] });
  expect(await daysLeft()).toEqual([]);
  await work.fold();
  const totals = 'select distinct events::int, n::int, sum, max from event_rollup_day order by max';
  expect(await database.rows(totals)).toEqual([
    { events: 2, n: 2, sum: 140, max: 70 },
    { events: 2, n: 2, sum: 800, max: 400 },
  ]);
});
