import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildLaterIndexes } from '../../src/database/later-indexes.ts';
import * as readingByTime from '../../src/database/migrations/0016-reading-by-time.ts';
import { move } from '../../src/database/move.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { rollHistory } from '../../src/rollup/history.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { repair } from '../../src/rollup/repair.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onCluster } from '../support/on-cluster.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { compare } from './raw.ts';

const dayMs = 86_400_000;
const yesterday = new Date(Date.now() - dayMs).toISOString().slice(0, 10);
const leaf = `system_telemetry_${yesterday.replaceAll('-', '')}`;

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeEach(async () => {
  database = await createDatabase();
  work = rollupWork(database);
});
afterEach(async () => {
  await work.end();
  await database.drop();
});

/** Rows of yesterday from before there were rollups, in no order of time, and with gaps between them. */
async function insertOld(rows: number): Promise<void> {
  await database.rows(`
    insert into system_telemetry (event_type, component, value, "timestamp", rolled)
    select 'OLD', 'component ' || i % 3, i,
      timestamptz '${yesterday} UTC' + (i * 7919 % ${rows}) * interval '2 hours' / ${rows}, null
    from generate_series(1, ${rows}) as i`);
  await database.rows('delete from system_telemetry where value::int % 5 = 0');
}

const noteAsUnread = (where = 'true') =>
  database.rows(`
    insert into rollup_history (kind, partition_name)
    select 'event', leaf.relname from pg_inherits join pg_class as leaf on leaf.oid = inhrelid
    where inhparent = 'system_telemetry'::regclass and ${where}`);

async function read(): Promise<void> {
  for (const series of work.series) {
    while (await rollHistory(work.db, work.writer, series));
    expect(await rollHistory(work.db, work.writer, series)).toBe(false);
  }
  await work.sweep();
  await work.fold();
  for (const series of work.series) {
    while (await repair(work.db, work.writer, series)) await work.fold();
  }
}

async function expectExact(): Promise<void> {
  const { raw, rolled } = await compare(database);
  expect(rolled).toEqual(raw);
}

// `distribute` waits until they are read.
describe.skipIf(onCluster)('rows from before there were rollups', () => {
  it('are read once, part by part', async () => {
    await insertOld(500);
    await noteAsUnread();
    await database.rows(`insert into system_telemetry (event_type) values ('NEW'), ('NEW')`);
    await expect(rebuild(work.db, work.writer, work.series, {})).rejects.toThrow(
      'still being read',
    );
    await read();
    await expectExact();
    await buildLaterIndexes(work.db, work.pool, 'system_telemetry');
    await buildLaterIndexes(work.db, work.pool, 'system_telemetry');
    const valid = await database.count(`select count(*) from pg_index
      where indexrelid = 'system_telemetry_unrolled_idx'::regclass and indisvalid`);
    expect(valid).toBe(1);
  });

  it('are read though more than are read together are of one time, or of times not shown', async () => {
    await database.rows(`
      insert into system_telemetry (event_type, value, "timestamp", rolled)
      select 'SAME', i, timestamptz '${yesterday} 01:00 UTC', null::boolean from generate_series(1, 10050) as i
      union all values
        ('EARLY', 1, '-infinity'::timestamptz, null::boolean), ('LATE', 1, 'infinity', null),
        ('EARLY', 2, '1600-01-01 UTC', null), ('NEXT', 1, '${yesterday} 01:00:00.000001 UTC', null)`);
    await noteAsUnread();
    await read();
    const counted = await database.rows(`
      select event_type, sum(events)::int as events from event_rollup_quarter
      join event_series on id = series where margin = 'series' group by 1 order by 1`);
    expect(counted).toEqual([
      { event_type: 'NEXT', events: 1 },
      { event_type: 'SAME', events: 10_050 },
    ]);
  });

  it('are counted once where they are moved to a partition of their day, read or not', async () => {
    await database.rows(`
      insert into system_telemetry (event_type, value, "timestamp", rolled)
      select 'STRAY', i, timestamptz '${yesterday} 12:00 UTC' - interval '100 days' + i * interval '1 ms', null
      from generate_series(1, 10020) as i`);
    await noteAsUnread(`leaf.relname ~ 'default'`);
    const [series] = work.series;
    if (!series) throw new Error('nothing of events');
    await rollHistory(work.db, work.writer, series);
    const fromMs = Date.parse(`${yesterday}T12:00:00Z`) - 100 * dayMs;
    await ensurePartitions(work.db, { table: 'system_telemetry', fromMs, toMs: fromMs });
    expect(await database.count('select count(*) from system_telemetry_default')).toBe(0);
    expect(
      await database.count('select count(*) from system_telemetry where rolled is false'),
    ).toBe(20);
    await read();
    await expectExact();
  });

  /** What gives rows other places, in the middle of their being read. */
  const ways: Record<string, () => Promise<unknown>> = {
    'VACUUM FULL': () => database.rows(`vacuum full ${leaf}`),
    CLUSTER: () => database.rows(`cluster ${leaf} using ${leaf}_timestamp_idx`),
    'a column that has the table written anew': () =>
      database.rows('alter table system_telemetry add mine float8 default random()'),
    'a partition that is detached and attached again': async () => {
      await database.rows(`alter table system_telemetry detach partition ${leaf}`);
      await attach(leaf);
    },
    'a partition with another name': () => database.rows(`alter table ${leaf} rename to somebodys`),
    'a partition that is exchanged for a copy': async () => {
      await database.rows(`
        create table somebodys (like system_telemetry including all);
        insert into somebodys select * from ${leaf} order by value`);
      await database.rows(`drop table ${leaf}`);
      await attach('somebodys');
    },
    'a move to another database': moveElsewhere,
  };

  const attach = (name: string) =>
    database.rows(`
      alter table system_telemetry attach partition ${name}
      for values from ('${yesterday} UTC') to (timestamptz '${yesterday} UTC' + interval '1 day')`);

  async function moveElsewhere(): Promise<void> {
    const target = await createDatabase();
    const [from, to] = await Promise.all([database.pool.connect(), target.pool.connect()]);
    for await (const _ of move(from, to));
    from.release();
    to.release();
    await Promise.all([work.end(), database.drop()]);
    database = target;
    work = rollupWork(target);
  }

  it.each(Object.entries(ways))('are counted once in spite of %s', async (_, change) => {
    await insertOld(15_000);
    await noteAsUnread(`leaf.relname = '${leaf}'`);
    const [series] = work.series;
    if (!series) throw new Error('nothing of events');
    expect(await rollHistory(work.db, work.writer, series)).toBe(true);
    expect(await database.count('select sum(events) from rollup_fresh')).toBe(10_000);
    await change();
    await read();
    await expectExact();
  });

  it('are counted once where a release before has read some of them, by their places', async () => {
    await insertOld(2000);
    await noteAsUnread(`leaf.relname = '${leaf}'`);
    await database.rows(`
      alter table rollup_history drop column read_to;
      update rollup_history set blocks_done = 10`);
    await database.rows(`vacuum full ${leaf}`);
    await work.db.transaction().execute((trx) => readingByTime.up(trx as never));
    await read();
    await expectExact();
    // And is kept from reading beside us.
    const goOn = `insert into rollup_history (kind, partition_name, blocks_done, read_to)
      values ('event', 'other', 256, '2026-01-01')`;
    await expect(database.rows(goOn)).rejects.toThrow('rollup_history_by_time');
  });
});
