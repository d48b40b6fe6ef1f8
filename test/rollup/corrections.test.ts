import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Audit } from '../../src/admin/audit.ts';
import { erase } from '../../src/admin/erase.ts';
import { reprice } from '../../src/admin/reprice.ts';
import { Writer } from '../../src/commit/writer.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { OwnPricesFile } from '../../src/prices/own-file.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { rollHistory } from '../../src/rollup/history.ts';
import { repair } from '../../src/rollup/repair.ts';
import { verify } from '../../src/rollup/verify.ts';
import { eventBatch } from '../support/batches.ts';
import { type UsageInit, usageBatch } from '../support/calls.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { onCluster } from '../support/on-cluster.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { usageAnswers } from '../support/usage-answers.ts';
import { compare } from './raw.ts';
import { expectUsageExact } from './usage-raw.ts';

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

const store = (records: readonly UsageInit[]) =>
  committer.committer.commit({ id: uuidv7(), batches: [usageBatch(records)] });
const call = (number: number, more: UsageInit = {}): UsageInit => ({
  provider: 'openai',
  model: 'gpt-5',
  responseId: `r${number}`,
  durationMs: number,
  ...more,
});
const calls = (count: number, more: UsageInit = {}) =>
  Array.from({ length: count }, (_, number) => call(number, more));
const later = { layer: 'L2', team: 'late', costUsd: 0.25, inputTokens: 7n, timeToFirstTokenMs: 2 };

/** Right at once, to the last digit, whatever is folded of it. */
async function expectRight(): Promise<void> {
  expect((await verify(work.db, {})).differences).toEqual([]);
  const { rolled, raw } = await usageAnswers(work.db, { hours: 24, model: '', layer: '' });
  expect(rolled).toEqual(raw);
}

/** The same in each level and margin, extremes too. */
async function expectExact(): Promise<void> {
  await expectRight();
  while ((await work.fold())?.isPart);
  await expectRight();
  await database.rows(`
    update rollup_repairs set noted_at = noted_at - interval '1 hour'`);
  await database.rows(`update rollup_state set settled_at = now() + interval '15 minutes'`);
  for (const series of work.series) while (await repair(work.db, work.writer, series));
  expect(await database.count('select count(*) from rollup_repairs')).toBe(0);
  await database.rows(`update rollup_state set settled_at = date_trunc('day', now(), 'UTC')`);
  await database.rows('delete from usage_rollup_hour; delete from usage_rollup_day');
  await expectUsageExact(database);
  const { raw, rolled } = await compare(database);
  expect(rolled).toEqual(raw);
  await expectRight();
}

it('follows calls that are filled later: not folded, folded, and not swept yet', async () => {
  await store(calls(10));
  await store([call(1, later), call(2, { layer: 'L1' })]);
  await expectRight();
  await work.fold();
  await store([call(3, later), call(0, later), call(9, { layer: 'L1', status: 'ERROR' })]);
  await expectRight();
  await database.rows(`update usage_stats set rolled = false where response_id in ('r5', 'r6')`);
  await database.rows('delete from rollup_fresh');
  await database.rows('delete from usage_rollup_quarter');
  await database.rows(`update usage_stats set rolled = false`);
  await store([call(5, later)]);
  await expectRight();
  await work.sweep();
  await expectExact();
});

it('follows new prices, and changes nothing but the cost by it', async () => {
  await store(calls(30, { inputTokens: 10n, outputTokens: 2n }));
  await work.fold();
  await database.rows(`insert into usage_stats (model, provider, prompt_tokens)
    select 'gpt-5', 'openai', 5 from generate_series(1, 5)`);
  const { prices } = new OwnPricesFile('');
  const options = { since: new Date(Date.now() - 86_400_000), dryRun: false };
  const pricer = new Pricer(() => prices);
  for await (const { differences } of reprice(createKysely(database.pool), pricer, options)) {
    expect(differences).toHaveLength(35);
  }
  expect(await database.count('select count(*) from rollup_repairs')).toBe(0);
  await expectRight();
  expect(await work.sweep()).toBe(5);
  await expectExact();
});

it('follows what is erased, of both kinds', async () => {
  const writer = new Writer(work.pool);
  const audit = new Audit(work.db, silentLogger);
  await store([
    ...calls(5),
    call(5, { userId: 'gone', costUsd: 0.1 }),
    call(6, { userId: 'gone', durationMs: 1e300, errorType: 'e' }),
  ]);
  await committer.committer.commit({ id: uuidv7(), batches: [eventBatch(10)] });
  await work.fold();
  const events = `insert into system_telemetry (event_type, value, metadata)
    select 'OF', i, '{"user_id":"gone","total_tokens":3}' from generate_series(1, 4) as i`;
  await database.rows(events);
  await work.sweep();
  await database.rows(events);
  const subject = { field: 'user_id', value: 'gone' } as const;
  expect(await erase(writer, audit, { name: 'me' }, subject, true)).toMatchObject({
    usage_stats: 2,
  });
  await expectRight();
  expect(await erase(writer, audit, { name: 'me' }, subject, false)).toMatchObject({
    system_telemetry: 8,
    usage_stats: 2,
  });
  await expectRight();
  expect(await work.sweep()).toBe(0);
  await expectExact();
});

// `distribute` waits until rows of before are read.
it.skipIf(onCluster)(
  'counts a row of before there were rollups once, changed before it is read or after',
  async () => {
    await store(calls(200));
    await database.rows('update usage_stats set rolled = null');
    await database.rows('delete from rollup_fresh');
    await database.rows(`
    insert into rollup_history (kind, partition_name)
    select 'usage', leaf.relname from pg_inherits join pg_class as leaf on leaf.oid = inhrelid
    where inhparent = 'usage_stats'::regclass
    on conflict (kind, partition_name) do update set finished_at = null`);
    await store([call(0, later), call(150, later)]);
    // As if a first part had been read: what lies before it is rolled up.
    const series = work.series.find(({ shape }) => shape.kind === 'usage');
    if (!series) throw new Error('nothing of usage');
    while (await rollHistory(work.db, work.writer, series));
    await expectRight();
    await store([call(1, later), call(151, later)]);
    await expectExact();
  },
);

it.skipIf(onCluster)(
  'knows which of the rows of before are read already, in the middle of it',
  async () => {
    // More than is read at once, and prices for all of it.
    await database.rows(`
    insert into usage_stats
      (model, provider, prompt_tokens, completion_tokens, duration_ms, metadata, "timestamp")
    select 'gpt-5', 'openai', i, 1, i, '{}', now() - i % 7 * interval '1 ms'
    from generate_series(1, 10_500) as i`);
    await database.rows('update usage_stats set rolled = null where metadata is not null');
    await database.rows(`
    insert into rollup_history (kind, partition_name)
    select 'usage', leaf.relname from pg_inherits join pg_class as leaf on leaf.oid = inhrelid
    where inhparent = 'usage_stats'::regclass and pg_relation_size(leaf.oid) > 0`);
    const series = work.series.find(({ shape }) => shape.kind === 'usage');
    if (!series) throw new Error('nothing of usage');
    expect(await rollHistory(work.db, work.writer, series)).toBe(true);
    expect(
      await database.count('select count(*) from rollup_history where finished_at is null'),
    ).toBe(1);
    const { prices } = new OwnPricesFile('');
    const options = { since: new Date(Date.now() - 86_400_000), dryRun: false };
    for await (const _ of reprice(createKysely(database.pool), new Pricer(() => prices), options));
    expect(await database.count('select count(*) from usage_stats where rolled is null')).toBe(0);
    while (await rollHistory(work.db, work.writer, series));
    await expectRight();
    await expectExact();
  },
);
