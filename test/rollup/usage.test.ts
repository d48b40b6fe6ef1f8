import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildLaterIndexes } from '../../src/database/later-indexes.ts';
import { up } from '../../src/database/migrations/0010-usage-of-whom.ts';
import { mergeNoted, settle } from '../../src/rollup/merge.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { verify } from '../../src/rollup/verify.ts';
import { type UsageInit, usageBatch } from '../support/calls.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { usageAnswers } from '../support/usage-answers.ts';
import { expectUsageExact } from './usage-raw.ts';

let database: TestDatabase;
let committer: TestCommitter;
let work: ReturnType<typeof rollupWork>;
beforeAll(async () => {
  database = await createDatabase();
  committer = createCommitter(database, 'callers');
  work = rollupWork(database);
});
afterAll(async () => {
  await Promise.all([committer.end(), work.end()]);
  await database.drop();
});

const dimensions = { provider: 'openai', operation: 'chat', agent: 'a', team: 't', project: 'p' };
const records: UsageInit[] = [
  {
    ...dimensions,
    model: 'm',
    layer: 'L2',
    inputTokens: 100n,
    outputTokens: 20n,
    cachedTokens: 60n,
    cacheWriteTokens: 30n,
    cacheWrite1hTokens: 10n,
    reasoningTokens: 7n,
    durationMs: 12.5,
    timeToFirstTokenMs: 3,
    costUsd: 0.1,
    status: 'OK',
  },
  { model: 'm', layer: 'L2', inputTokens: 9_007_199_254_740_991n, costUsd: 1e-30 },
  { model: 'other', layer: 'L1', outputTokens: 3n, durationMs: 1e300, errorType: 'timeout' },
  { model: 'other', inputTokens: 2n, cachedTokens: 5n, costUsd: 123_456.789, status: 'ERROR' },
  { model: 'other', durationMs: 0, timeToFirstTokenMs: 0.25, status: 'REFUSED', costUsd: 0 },
];

const insertOthers = () =>
  database.rows(`
  insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms,
    time_to_first_token_ms, cost_usd, status, error_type, "timestamp")
  select case i % 5 when 0 then null else 'm' || i % 3 end, 'L' || i % 2,
    case i % 4 when 0 then null when 1 then 9000000000000000000 else -i end, i,
    case i % 6 when 0 then 'NaN' when 1 then 'Infinity' when 2 then 1e300 when 3 then null else i end,
    case i % 3 when 0 then i / 7.0 end,
    case i % 7 when 0 then 'NaN' when 1 then null when 2 then -0.25 when 3 then 'Infinity'
      when 4 then 123456789012345678901234567890.125 else i * 1e-25 end,
    case i % 3 when 0 then 'OK' when 1 then '' else 'no' end, case i % 11 when 0 then '' when 1 then 'e' end,
    now() - i * interval '40 minutes'
  from generate_series(1, 210) as i`);

/** The same answer from rollups as from the rows, for any length of time. */
async function expectSameAnswers(): Promise<void> {
  for (const hours of [0.1, 1, 30, 24 * 30]) {
    for (const filter of [{}, { model: 'm' }, { layer: 'L1' }, { model: 'm1', layer: 'L0' }]) {
      const asked = { hours, model: '', layer: '', ...filter };
      const { rolled, raw } = await usageAnswers(work.db, asked);
      expect(rolled).toEqual(raw);
    }
  }
}

const differences = async () => (await verify(work.db, {})).differences;

it('rolls up what is stored, and what others insert, exactly', async () => {
  await database.rows(
    `update rollup_state set settled_at = date_trunc('day', now() - interval '4 days', 'UTC')`,
  );
  await committer.committer.commit({ id: uuidv7(), batches: [usageBatch(records)] });
  await insertOthers();
  await expectSameAnswers();
  expect(await work.sweep()).toBe(210);
  await expectSameAnswers();
  expect(await differences()).toEqual([]);
  await work.fold();
  await expectUsageExact(database);
  await expectSameAnswers();
  expect(await differences()).toEqual([]);
});

it('is the same in all levels once it is settled and merged, and computed anew', async () => {
  await settle(work.writer);
  await expectUsageExact(database);
  await committer.committer.commit({ id: uuidv7(), batches: [usageBatch(records)] });
  await insertOthers();
  await work.sweep();
  await work.fold();
  await database.rows(`update rollup_merges set noted_at = noted_at - interval '1 hour'`);
  while (await mergeNoted(work.writer)) await work.fold();
  await expectUsageExact(database);
  await expectSameAnswers();
  await rebuild(work.db, work.writer, work.series, {});
  await expectUsageExact(database);
  expect(await differences()).toEqual([]);
  await database.rows(`update usage_stats set cost_usd = 7 where prompt_tokens = 100`);
  await database.rows(`update usage_stats set time_to_first_token_ms = 9 where duration_ms = 0`);
  const found = (await differences()).map(({ what }) => what.replace(/^series \d+: /, ''));
  // Of two records, which may lie on both sides of a quarter hour.
  const costs = found.flatMap(
    (what) => /^cost_usd is .*, and (\d+) of the rows$/.exec(what)?.[1] ?? [],
  );
  expect(costs.reduce((sum, cost) => sum + Number(cost), 0)).toBe(14);
  const others = found.filter((what) => !what.startsWith('cost_usd'));
  expect(others).toEqual(others.map(() => expect.stringContaining('time_to_first_token_ms')));
  expect(others.length).toBeGreaterThan(0);
});

it('has what a user or a session has used found by an index, in partitions of before too', async () => {
  for (const name of ['user', 'session']) await database.rows(`drop index usage_stats_${name}_idx`);
  const db = work.db as unknown as Parameters<typeof up>[0];
  await up(db);
  await up(db);
  await buildLaterIndexes(work.db, work.pool, 'usage_stats');
  const valid = await database.rows(`
    select relname from pg_index join pg_class on pg_class.oid = indexrelid
    where indrelid = 'usage_stats'::regclass and indisvalid and indpred is not null order by 1`);
  expect(valid.map(({ relname }) => relname)).toEqual([
    'usage_stats_older_names_idx',
    'usage_stats_session_idx',
    'usage_stats_unrolled_idx',
    'usage_stats_user_idx',
  ]);
});

it('asks the rows for the rest alone, once there are too many series, and says so', async () => {
  await rebuild(work.db, work.writer, work.series, {});
  const many = await database.count(`select count(*) from usage_series where margin = 'series'`);
  const few = rollupWork(database, many + 1);
  await database.rows(`
    insert into usage_stats (model, prompt_tokens, "timestamp")
    select 'more ' || i, i, now() - (i % 3) * interval '5 minutes'
    from generate_series(1, 9) as i`);
  expect(await few.sweep()).toBe(9);
  expect(await database.count(`select count(*) from usage_series where margin = 'rest'`)).toBe(1);
  const answers = (hours: number) => usageAnswers(work.db, { hours, model: '', layer: '' });
  // Not folded yet, and folded.
  for (const _ of [1, 2]) {
    const { parts, rolled, raw } = await answers(30);
    expect(rolled).toEqual(raw);
    expect(parts).toMatchObject({ source: 'rollups and rows', hasRest: true });
    await few.fold();
  }
  expect(await differences()).toEqual([]);
  // Where rows are gone, nobody knows.
  await database.rows(`update rollup_state set usage_raw_floor = now() + interval '1 minute'`);
  expect((await answers(30)).parts).toBe('the rest');
  await few.end();
});
