import { sql } from 'kysely';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mergeNoted, settle } from '../../src/rollup/merge.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { eventBatch } from '../support/batches.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { compare, rolledUp } from './raw.ts';

let database: TestDatabase;
let committer: TestCommitter;
let work: ReturnType<typeof rollupWork>;
beforeEach(async () => {
  database = await createDatabase();
  committer = createCommitter(database, 'callers');
  work = rollupWork(database);
});
afterEach(async () => {
  await Promise.all([committer.end(), work.end()]);
  await database.drop();
});

const store = (rows: number, type?: string) =>
  committer.committer.commit({ id: uuidv7(), batches: [eventBatch(rows, type)] });

const insert = (rows: number, hours = 200) =>
  database.rows(`
  insert into system_telemetry (event_type, component, value, "timestamp", metadata, status)
  select 'OLD', 'component ' || i % 3, case i % 4 when 0 then null else i end,
    now() - i * interval '${hours} hours' / ${rows}, jsonb_build_object('total_tokens', i),
    (array[null, '', 'OK', 'ERROR', 'WARNING'])[1 + i % 5]
  from generate_series(1, ${rows}) as i`);

/** Every level and margin has what the rows have. */
async function expectExact(): Promise<void> {
  const { raw, rolled } = await compare(database);
  expect(rolled).toEqual(raw);
  const [settled] = await database.rows<{ at: Date }>('select settled_at as at from rollup_state');
  for (const [level, bucket] of [
    ['quarter', '15 minutes'],
    ['hour', '1 hour'],
    ['day', '1 day'],
  ]) {
    for (const [margin, component] of [
      ['all', 'null::text'],
      ['component', 'component'],
    ]) {
      const expected = await database.rows(
        `
        select date_bin('${bucket}', "timestamp", timestamptz '2000-01-01 00:00:00+00') as bucket,
          ${component} as component, count(*) as events, count(value) as n, min(value) as min, max(value) as max,
          count(*) filter (where status not in ('', 'OK')) as not_ok
        from system_telemetry
        where '${level}' = 'quarter' or "timestamp" < $1 group by 1, 2 order by 1, 2`,
        [settled?.at],
      );
      const found = await rolledUp(database, level as string, margin as string);
      expect(found).toMatchObject(expected);
    }
    const merged = await database.count(`
      select coalesce(sum(c), 0) from event_rollup_${level}, unnest(counts) as c`);
    expect(merged).toBe(
      await database.count(`select coalesce(sum(n), 0) from event_rollup_${level}`),
    );
  }
}

it('appends late rows to all levels, settles and merges without a difference', async () => {
  await database.rows(
    `update rollup_state set settled_at = date_trunc('day', now() - interval '4 days', 'UTC')`,
  );
  await insert(300);
  await store(20);
  await work.sweep();
  await work.fold();
  await expectExact();
  await settle(work.writer);
  await expectExact();
  await insert(100);
  await work.sweep();
  await work.fold();
  await expectExact();
  await database.rows(`update rollup_merges set noted_at = noted_at - interval '1 hour'`);
  while (await mergeNoted(work.writer)) await work.fold();
  await expectExact();
  const doubled = await database.count(`select count(*) from (
    select from event_rollup_day group by bucket, series having count(*) > 1) as d`);
  expect(doubled).toBe(0);
});

it('is rebuilt from the rows that are there, and never below the raw floor', async () => {
  await insert(200, 60);
  await store(30);
  await work.sweep();
  await work.fold();
  await database.rows(`delete from system_telemetry where value::int % 5 = 0`);
  await database.rows('update system_telemetry set value = 7 where value::int % 5 = 1');
  await insert(30, 60);
  await store(5, 'FRESH');
  await work.sweep();
  await rebuild(work.db, work.writer, work.series, {});
  await work.fold();
  await expectExact();

  const [floor] = await database.rows<{ at: Date }>(`
    update rollup_state set raw_floor = date_trunc('hour', now()) - interval '1 day' returning raw_floor as at`);
  const before = await database.rows(
    `
    select sum(events) from event_rollup_quarter where bucket < $1`,
    [floor?.at],
  );
  await sql`delete from system_telemetry where "timestamp" < ${floor?.at}`.execute(work.db);
  await rebuild(work.db, work.writer, work.series, {});
  expect(
    await database.rows(
      `
    select sum(events) from event_rollup_quarter where bucket < $1`,
      [floor?.at],
    ),
  ).toEqual(before);
});

it('rolls up as the rest what comes when there are too many series, whoever looks', async () => {
  const few = rollupWork(database, 3);
  const others = rollupWork(database, 3);
  const load = async (work: typeof few, type: string) =>
    await work.fresh.loads([
      { rows: { event: eventBatch(2, type).rows.event, usage: { copy: new Uint8Array() } } },
    ]);
  for (const type of ['A', 'B', 'C', 'D']) await load(few, type);
  const series = () => database.count(`select count(*) from event_series where margin = 'series'`);
  expect(await series()).toBe(3);
  await load(others, 'E');
  await load(others, 'A');
  await load(few, 'E');
  expect(await series()).toBe(3);
  expect(await database.count(`select count(*) from event_series where margin = 'rest'`)).toBe(1);
  await database.rows(
    `insert into system_telemetry (event_type) values ('A'), ('B'), ('X'), ('Y'), ('Y')`,
  );
  expect(await others.sweep()).toBe(5);
  await others.fold();
  const rest = await rolledUp(database, 'quarter', 'rest');
  expect(rest).toMatchObject([{ events: '5' }]);
  await Promise.all([few.end(), others.end()]);
});
