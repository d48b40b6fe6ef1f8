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
    const told = (await differences()).map(({ what }) => what);
    expect(told.filter((what) => !what.includes('cells'))).toEqual(
      Array(2).fill(
        expect.stringContaining(
          'levels and margins have other sums or sketches of the same number',
        ),
      ),
    );
    await rebuild(work.db, work.writer, work.series, {});
  });

  /** Of a sketch in one piece: bytes that are of other values, too many, too few, or of none. */
  const damages = [
    'set_byte(cells, 1, get_byte(cells, 1) # 4)',
    'set_byte(cells, 3, get_byte(cells, 3) # 1)',
    'cells || substring(cells from 1 for 4)',
    'substring(cells from 5)',
    'substring(cells from 3)',
    "''::bytea",
    "'\\x80000000'::bytea || cells",
    "cells || '\\xffffffff00000000'::bytea",
    "cells || '\\xffffffff000000010000000000000001'::bytea",
  ];

  /** Puts a damage into the sketch of a row; resolves with its bucket. */
  async function damage(table: string, column: string, row: number): Promise<Date> {
    const [damaged] = await database.rows<{ bucket: Date }>(`
      with one as (
        select ctid as place, ${column} as cells from ${table}
        where octet_length(${column}) >= 8 order by bucket, series offset ${row} limit 1
      )
      update ${table} as level set ${column} = (select ${damages[row]} from one)
      where level.ctid = (select place from one) returning bucket`);
    return damaged?.bucket as Date;
  }

  it('in one piece are compared with keys and counts, and rebuilt, also where rows are gone', async () => {
    await insertPairs();
    await work.sweep();
    await work.fold();
    await database.rows(`update rollup_state set settled_at = now() + interval '1 day'`);
    await rebuild(work.db, work.writer, work.series, {});
    expect(await differences()).toEqual([]);
    const columns = [
      ['event', 'cells'],
      ['usage', 'duration_cells'],
      ['usage', 'first_token_cells'],
    ];
    const places = columns.flatMap(([kind, column]) =>
      ['quarter', 'hour', 'day'].map((level) => [`${kind}_rollup_${level}`, `${column}`] as const),
    );
    const damaged = await Promise.all(
      places.map(async ([table, column], index) => ({
        table,
        bucket: await damage(table, column, index),
        what: expect.stringContaining(`${column} are not what its keys and counts are`),
      })),
    );
    const found = await differences();
    expect(found).toHaveLength(damaged.length);
    expect(found).toEqual(expect.arrayContaining(damaged));
    // No row is needed for it.
    const floors = (time: string) =>
      database.rows(`update rollup_state set raw_floor = '${time}', usage_raw_floor = '${time}'`);
    await floors('infinity');
    expect(await differences()).toHaveLength(damaged.length);
    await rebuild(work.db, work.writer, work.series, {});
    expect(await differences()).toEqual([]);
    await floors('-infinity');
    expect(await differences()).toEqual([]);
  });

  it('in one piece may be missing, as a release before leaves them, or in another order', async () => {
    await database.rows(`update usage_rollup_quarter set duration_cells = null`);
    await database.rows(`
      update event_rollup_quarter set cells = substring(cells from 5) || substring(cells from 1 for 4)
      where octet_length(cells) > 4 and get_byte(cells, 0) < 128`);
    expect(await differences()).toEqual([]);
    await rebuild(work.db, work.writer, work.series, {});
    const missing = 'select count(*) from usage_rollup_quarter where duration_cells is null';
    expect(await database.count(missing)).toBe(0);
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
