import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { reprice } from '../../src/admin/reprice.ts';
import { OwnPricesFile } from '../../src/prices/own-file.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { verify } from '../../src/rollup/verify.ts';
import { startCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { olderSweep } from '../support/older-sweep.ts';
import { onCluster } from '../support/on-cluster.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { openTail } from '../support/tail.ts';
import { expectUsageExact } from './usage-raw.ts';

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

/** As services of either generation insert, and some who know half of the columns, or both names. */
const inserts = `
  insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms)
    values ('first', 'L2', 10, 5, 100);
  insert into usage_stats (ghost_id, shell_id, model_name, tokens_input, tokens_output, cost_usd)
    values ('ghost', 'shell', 'second', 1000, 200, 0.1::float8);
  insert into usage_stats (model_name, tokens_input, tokens_output, "timestamp")
    values ('second', 7, null, localtimestamp);
  insert into usage_stats (tokens_input, tokens_output) values (3, 4);
  insert into usage_stats (model, model_name, prompt_tokens, tokens_input)
    values ('own', 'other', 2, 99);
  insert into usage_stats (model_name) values ('second')`;
const count = 6;
const sums = { input_tokens: 1022, output_tokens: 209 };
const byModel = [
  { model: 'first', requests: 1, input_tokens: 10, output_tokens: 5 },
  { model: 'own', requests: 1, input_tokens: 2, output_tokens: 0 },
  { model: 'second', requests: 3, input_tokens: 1007, output_tokens: 200 },
  { model: null, requests: 1, input_tokens: 3, output_tokens: 4 },
];
const leftOver = () =>
  database.count(`select count(*) from usage_stats
    where model_name is not null or tokens_input is not null or tokens_output is not null`);

beforeEach(async () => {
  await database.empty(
    'usage_stats',
    'rollup_fresh',
    'rollup_repairs',
    'usage_rollup_quarter',
    'usage_rollup_hour',
    'usage_rollup_day',
  );
});

const stored = () =>
  database.rows(`select model, prompt_tokens::int as input, completion_tokens::int as output,
      ghost_id, cost_usd::float8 as cost from usage_stats order by prompt_tokens, model`);
const taken = [
  { model: 'second', input: 0, output: 0, ghost_id: null, cost: null },
  { model: 'own', input: 2, output: 0, ghost_id: null, cost: null },
  { model: null, input: 3, output: 4, ghost_id: null, cost: null },
  { model: 'second', input: 7, output: 0, ghost_id: null, cost: null },
  { model: 'first', input: 10, output: 5, ghost_id: null, cost: null },
  { model: 'second', input: 1000, output: 200, ghost_id: 'ghost', cost: 0.1 },
];

async function expectRolledUp(): Promise<void> {
  expect(await leftOver()).toBe(0);
  expect(await stored()).toEqual(taken);
  while ((await work.fold())?.isPart);
  await expectUsageExact(database, ['quarter']);
  expect((await verify(work.db, {})).differences).toEqual([]);
}

it('what services insert by the older names becomes ours, and is rolled up so', async () => {
  await database.rows(inserts);
  expect(await leftOver()).toBe(5);
  expect(await work.sweep()).toBe(count);
  await expectRolledUp();
});

// None that knows nothing of these names knows clusters: `distribute` waits for it to be corrected.
it.skipIf(onCluster)(
  'what a collector of the release before has claimed meanwhile is corrected',
  async () => {
    await database.rows(inserts);
    await olderSweep(work);
    await expectUsageExact(database, []);
    expect(await work.sweep()).toBe(0);
    await expectRolledUp();
    // Once it is mended, there is nothing more to do.
    await work.sweep();
    expect(await database.count('select count(*) from rollup_fresh')).toBe(0);
  },
);

it('is priced by reprice before the sweep as after it', async () => {
  await database.rows(`insert into usage_stats (model_name, provider, tokens_input, tokens_output)
    values ('gpt-5', 'openai', 1000, 200)`);
  const { prices } = new OwnPricesFile('');
  const options = { since: new Date(Date.now() - 3_600_000), dryRun: false };
  const differences = [];
  for await (const step of reprice(work.db, new Pricer(() => prices), options)) {
    differences.push(...step.differences);
  }
  expect(differences).toMatchObject([{ before: null, after: '0.00325' }]);
  expect(await leftOver()).toBe(1);
  await work.sweep();
  while ((await work.fold())?.isPart);
  expect(await stored()).toMatchObject([{ model: 'gpt-5', input: 1000, cost: 0.00325 }]);
  await expectUsageExact(database, ['quarter']);
  expect((await verify(work.db, {})).differences).toEqual([]);
});

it('is claimed but for the rows that a constraint on our columns keeps, which it tells of', async () => {
  await database.rows(`alter table usage_stats add constraint no_second check (model <> 'kept')`);
  onTestFinished(async () => {
    await database.rows('alter table usage_stats drop constraint no_second');
  });
  await database.rows(`
    insert into usage_stats (model_name, tokens_input)
      select case when n in (3, 40) then 'kept' else 'other' end, n from generate_series(1, 60) n;
    insert into usage_stats (model, "timestamp") values ('elsewhere', now() + interval '1 day')`);
  const faults: unknown[] = [];
  expect(await work.sweep((fault) => faults.push(fault))).toBe(59);
  expect(faults.map(String)).toEqual([expect.stringContaining('"no_second"')]);
  const left = `select tokens_input::int as n from usage_stats where rolled is false order by 1`;
  expect(await database.rows(left)).toEqual([{ n: 3 }, { n: 40 }]);
  while ((await work.fold())?.isPart);
  await expectUsageExact(database, []);
});

it('every answer has it under our names, before the sweep and after it', async () => {
  const telemetry = await startCollector({}, database);
  onTestFinished(() => telemetry.stop());
  const { baseUrl } = telemetry;
  const get = async (path: string) => (await getJson(`${baseUrl}/v1/telemetry/${path}`)).body;
  // Refused on a cluster.
  const tail = onCluster ? undefined : await openTail(baseUrl, { kinds: ['usage'] });
  await database.rows(inserts);

  const expectAnswers = async () => {
    const { breakdown, ...summary } = await get('usage/summary?hours=1');
    expect(summary).toMatchObject({ requests: count, ...sums, cost_usd: 0.1 });
    expect(breakdown).toEqual(
      expect.arrayContaining(byModel.map((each) => expect.objectContaining(each))),
    );
    const { body } = await postJson(`${baseUrl}/gravitas.telemetry.v1.QueryService/ListUsage`, {
      filter: { models: ['second'] },
    });
    expect(body.records).toHaveLength(3);
    const id = await database.rows<{ id: string }>(
      `select id from usage_stats where ghost_id = 'ghost'`,
    );
    expect(await get(`usage/explain?id=${id[0]?.id}`)).toMatchObject({
      model: 'second',
      cost_usd: '0.1',
      explanation: expect.arrayContaining([expect.stringContaining('1,000 tokens of input')]),
    });
    expect(
      await database.rows(`select model, sum(input_tokens)::int as tokens from telemetry_usage
        where model = 'second' group by model`),
    ).toEqual([{ model: 'second', tokens: 1007 }]);
  };
  await expectAnswers();
  await work.sweep();
  await expectAnswers();
  await expect.poll(leftOver).toBe(0);
  if (!tail) return;
  await tail.until(count);
  await tail.stop();
  expect(tail.names.toSorted()).toEqual(['', 'first', 'own', 'second', 'second', 'second']);
  expect(tail.skipped).toBe(0);
});
