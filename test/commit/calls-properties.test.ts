import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type UsageInit, usageBatch } from '../support/calls.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let collectors: TestCommitter[];
beforeAll(async () => {
  database = await createDatabase();
  collectors = [
    createCommitter(database, 'callers'),
    createCommitter(database, 'callers'),
    createCommitter(database, 'spool'),
  ];
});
afterAll(async () => {
  for (const { end } of collectors) await end();
  await database.drop();
});

/** What may be said of each of a few calls, in full or without some of it. */
const call = fc.integer({ min: 0, max: 5 }).map((n) => ({
  responseId: `r${n}`,
  provider: 'p',
  inputTokens: BigInt(100 + n),
  cachedTokens: BigInt(10 * n),
  outputTokens: BigInt(n),
  costUsd: n / 8,
  team: `t${n % 2}`,
  agent: `a${n}`,
}));
const told = fc.tuple(call, fc.boolean(), fc.boolean(), fc.boolean()).map(
  ([{ costUsd, team, agent, ...counted }, hasCost, hasTeam, hasAgent]): UsageInit => ({
    ...counted,
    ...(hasCost && { costUsd }),
    ...(hasTeam && { team }),
    ...(hasAgent && { agent }),
  }),
);
/** Of one collector each, with how often a batch is sent. */
const delivery = fc.record({
  records: fc.array(told, { minLength: 1, maxLength: 6 }),
  collector: fc.integer({ min: 0, max: 2 }),
  times: fc.integer({ min: 1, max: 2 }),
});

/** What is known of a call in the end, whatever came first. */
function expected(records: readonly UsageInit[]): Record<string, unknown>[] {
  const calls = new Map<string, UsageInit>();
  for (const record of records) {
    const id = record.responseId as string;
    calls.set(id, { ...calls.get(id), ...record });
  }
  return [...calls.values()]
    .map((known) => ({
      response_id: known.responseId,
      prompt_tokens: String(known.inputTokens),
      cached_tokens: String(known.cachedTokens),
      completion_tokens: String(known.outputTokens),
      cost: known.costUsd ?? null,
      team: known.team ?? null,
      agent: known.agent ?? null,
    }))
    .sort((a, b) => (String(a.response_id) < String(b.response_id) ? -1 : 1));
}

it('calls add up, in any order, with duplicates, late fields and several collectors', async () => {
  const property = fc.asyncProperty(
    fc.array(delivery, { minLength: 1, maxLength: 5 }),
    async (deliveries) => {
      await database.rows('truncate usage_stats, call_claims, batch_ledger');
      const outcomes = await Promise.all(
        deliveries.flatMap(({ records, collector, times }) => {
          const batch = usageBatch(records);
          const { commit } = (collectors[collector] as TestCommitter).committer;
          return Array.from({ length: times }, () => commit({ id: uuidv7(), batches: [batch] }));
        }),
      );
      const all = expected(deliveries.flatMap(({ records }) => records));
      const rows = await database.rows(
        `select response_id, prompt_tokens, cached_tokens, completion_tokens,
          cost_usd::float8 as cost, team, agent from usage_stats order by 1`,
      );
      expect(rows).toEqual(all);
      const repeated = outcomes
        .flat()
        .reduce((sum, each) => sum + (each.kind === 'stored' ? (each.repeated?.count ?? 0) : 0), 0);
      const sent = deliveries.reduce((sum, { records }) => sum + records.length, 0);
      expect(repeated).toBe(sent - all.length);
    },
  );
  await fc.assert(property, { seed: 17, numRuns: 40 });
}, 120_000);
