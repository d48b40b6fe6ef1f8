import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventBatch } from '../support/batches.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { insertEvents } from '../support/seed.ts';
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

it('rolls up what a transaction stores, once', async () => {
  const first = eventBatch(30, 'FIRST');
  const batches = [first, eventBatch(20, 'SECOND')];
  await committer.committer.commit({ id: uuidv7(), batches });
  await committer.committer.commit({ id: uuidv7(), batches: [first] });
  expect(await work.fold()).toMatchObject({ events: 50, isPart: false });
  const { raw, rolled } = await compare(database);
  expect(rolled).toEqual(raw);
  expect(await work.sweep()).toBe(0);
  const [all] = await rolledUp(database, 'quarter', 'all');
  expect(all).toMatchObject({ events: '50', n: '50', min: 0, max: 29 });
});

it('looks through no rows for those of others where it finds none', async () => {
  await committer.committer.commit({ id: uuidv7(), batches: [eventBatch(5000, 'OURS')] });
  expect(await work.sweep()).toBe(0);
  // What connections have read is told when they end.
  await work.end();
  work = rollupWork(database);
  expect(
    await database.count(`select coalesce(sum(seq_tup_read), 0) as count from pg_stat_user_tables
      where relname like 'system_telemetry%'`),
  ).toBe(0);
});

it('claims what others wrote', async () => {
  await insertEvents(database, [
    { event_type: 'DIRECT', component: 'old', value: 1.5, metadata: { tokens_generated: 7.9 } },
    { event_type: 'DIRECT', component: 'old', value: 'NaN', metadata: [1] },
    {
      event_type: 'DIRECT',
      value: -2,
      timestamp: '2020-02-02 02:02:02+00',
      metadata: { total_tokens: 3 },
    },
    { event_type: 'DIRECT', value: 3, timestamp: '1999-12-31 23:59:59+00' },
    { event_type: 'DIRECT' },
  ]);
  expect(await work.sweep()).toBe(5);
  expect(await work.sweep()).toBe(0);
  await work.fold();
  const { raw, rolled } = await compare(database);
  expect(rolled).toEqual(raw);
});
