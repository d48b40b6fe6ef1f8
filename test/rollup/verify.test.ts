import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { verify } from '../../src/rollup/verify.ts';
import { eventBatch } from '../support/batches.ts';
import { runCommand } from '../support/command.ts';
import { createCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeAll(async () => {
  database = await createDatabase();
  work = rollupWork(database);
});
afterAll(async () => {
  await work.end();
  await database.drop();
});

const differences = async () => (await verify(work.db, {})).differences;
const command = (...args: string[]) =>
  runCommand(['rollups', ...args], { DATABASE_URL: database.url });

it('finds what somebody changed, and rebuilding mends it', async () => {
  expect(await command('verify')).toMatchObject({ code: 0, stdout: 'nothing: 0 differences\n' });
  const { committer, end } = createCommitter(database, 'callers');
  const { commit } = committer;
  await commit({ id: uuidv7(), batches: [eventBatch(20)] });
  await database.rows(`insert into system_telemetry (event_type, value, "timestamp", metadata)
    select 'LATE', i, now() - i * interval '1 hour', '{"total_tokens":5}' from generate_series(1, 40) as i`);
  await work.sweep();
  await work.fold();
  await commit({ id: uuidv7(), batches: [eventBatch(7)] });
  expect(await differences()).toEqual([]);

  const changes = [
    `delete from system_telemetry where event_type = 'LATE' and value = 30`,
    `update system_telemetry set value = 1000 where event_type = 'LATE' and value = 3`,
    `update system_telemetry set component = 'other' where event_type = 'LATE' and value = 5`,
    `update system_telemetry set metadata = null where event_type = 'LATE' and value = 7`,
  ];
  for (const change of changes) await database.rows(change);
  // The component has another series of the same quarter hour, that nobody knows.
  expect(await differences()).toHaveLength(5);
  expect((await command('verify')).code).toBe(1);
  const rebuilt = await command('rebuild');
  expect(rebuilt).toMatchObject({ code: 0, stderr: '' });
  expect(await differences()).toEqual([]);
  expect((await command('verify')).code).toBe(0);

  await database.rows(`update event_rollup_quarter set max = max + 1
    where series in (select id from event_series where margin = 'all')`);
  const told = (await differences()).map(({ what }) => what);
  expect(told.length).toBeGreaterThanOrEqual(40);
  expect(told.filter((what) => !what.includes('max of value'))).toEqual([]);
  await command('rebuild');

  await database.rows('update event_rollup_day set events = events + 1');
  await database.rows(`update rollup_state set settled_at = settled_at + interval '1 hour'`);
  expect(await differences()).not.toEqual([]);
  for (const [span, told] of [
    [['--from', 'yesterday'], '--from: "yesterday" is no time'],
    [['--to', '2026-02-30'], '--to: "2026-02-30" is no time'],
    [['--from', '2026-02-02', '--to', '2026-02-01'], '--to: 2026-02-01T00:00:00.000Z is not after'],
  ] as const) {
    const { code, stderr } = await command('rebuild', ...span);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(told) });
  }
  await end();
  // Each command is a process that starts.
}, 120_000);

describe('sketches', () => {
  /** Quarter hours of their own, with a least and a greatest value that nobody changes. */
  const insertPairs = () =>
    database.rows(`
      with times as (
        select date_trunc('hour', now()) - hours * interval '1 hour' as at, hours
        from generate_series(2, 4) as hours
      ), values (number) as (values (1), (10), (20), (30), (100))
      , stored as (
        insert into system_telemetry (event_type, component, value, "timestamp")
        select 'PAIR', 'c' || hours, number, at from times, values
      )
      insert into usage_stats (model, duration_ms, time_to_first_token_ms, "timestamp")
      select 'pair', number, number, at from times, values`);

  it.each([
    ['system_telemetry', 'value', 'event_type'],
    ['usage_stats', 'duration_ms', 'model'],
    ['usage_stats', 'time_to_first_token_ms', 'model'],
  ])(
    'of %s are compared where an UPDATE of %s leaves number, sum, least and greatest alike',
    async (table, column, type) => {
      const name = type === 'model' ? 'pair' : 'PAIR';
      await database.rows(`delete from ${table} where ${type} = '${name}'`);
      await rebuild(work.db, work.writer, work.series, {});
      await insertPairs();
      await work.sweep();
      expect(await differences()).toEqual([]);
      await work.fold();
      expect(await differences()).toEqual([]);
      await database.rows(`
        update ${table} set ${column} = case ${column} when 10 then 12 else 18 end
        where ${type} = '${name}' and ${column} in (10, 20)
          and "timestamp" > (select min("timestamp") from ${table} where ${type} = '${name}')`);
      const told = (await differences()).map(({ what }) => what);
      expect(told).toEqual(
        Array(2).fill(
          expect.stringContaining(
            `the sketch of ${column} counts others than the values of the rows`,
          ),
        ),
      );
      await rebuild(work.db, work.writer, work.series, {});
      expect(await differences()).toEqual([]);
    },
  );

  it('of longer levels are compared with those of quarter hours', async () => {
    await database.rows(`update rollup_state set settled_at = now() + interval '1 day'`);
    await rebuild(work.db, work.writer, work.series, {});
    expect(await differences()).toEqual([]);
    await database.rows(`
      update event_rollup_day set keys = array(select key + 1 from unnest(keys) as key)
      where series in (select id from event_series where component = 'c2')`);
    // Series beside their component, and beside everything.
    expect((await differences()).map(({ what }) => what)).toEqual(
      Array(2).fill(
        expect.stringContaining(
          'levels and margins have other sums or sketches of the same number',
        ),
      ),
    );
    await rebuild(work.db, work.writer, work.series, {});
  });

  it('count borders of buckets as collectors do, of any doubles', async () => {
    const borders = Array.from({ length: 400 }, (_, at) => (1.01 / 0.99) ** (at - 200));
    const odd = [5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1e300, 0, -0.5, 1];
    await database.rows(
      `insert into system_telemetry (event_type, value, "timestamp")
        select 'BORDER', value, now() - interval '5 hours' from unnest($1::float8[]) as value`,
      [[...borders, ...borders.map((each) => -each), ...odd, NaN, Infinity]],
    );
    await work.sweep();
    expect(await differences()).toEqual([]);
    await work.fold();
    expect(await differences()).toEqual([]);
  });
});
