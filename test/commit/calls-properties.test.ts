import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decimalText } from '../../src/prices/decimal.ts';
import { parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { usageCall } from '../prices/calls.ts';
import { type UsageInit, usageBatch } from '../support/calls.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const own = parseOwnPrices(
  JSON.stringify({
    prices: [
      {
        provider: 'p',
        model: 'm',
        service_tier: 'batch',
        usd_per_million_tokens: { input: 1, output: 8 },
      },
      { provider: 'p', model: 'm', usd_per_million_tokens: { input: 2, cached: 1, output: 4 } },
    ],
  }),
  new Date('2026-11-26'),
);
const pricer = new Pricer(() => own);

let database: TestDatabase;
let collectors: TestCommitter[];
beforeAll(async () => {
  database = await createDatabase();
  collectors = [
    createCommitter(database, 'callers', {}, pricer),
    createCommitter(database, 'callers', {}, pricer),
    createCommitter(database, 'spool', {}, pricer),
  ];
});
afterAll(async () => {
  for (const { end } of collectors) await end();
  await database.drop();
});

/** What may be said of each of a few calls, in full or without some of it. */
const call = fc.integer({ min: 0, max: 5 }).map((n) => ({
  traceId: 'ab',
  spanId: `c${n}`,
  counts: {
    inputTokens: BigInt(100 + n),
    cachedTokens: BigInt(10 * n),
    outputTokens: BigInt(n),
  },
  also: {
    ...(n < 5 && { provider: 'p' }),
    // Of some there is a price, of one there is none.
    ...(n % 3 === 1 && { serviceTier: n === 1 ? 'batch' : 'flex' }),
    ...(n % 2 === 1 && { costUsd: n / 8 }),
    team: `t${n % 2}`,
    agent: `a${n}`,
  },
}));
const told = fc
  .tuple(call, fc.boolean(), fc.subarray(['provider', 'serviceTier', 'costUsd', 'team', 'agent']))
  .map(
    ([{ traceId, spanId, counts, also }, isCounted, said]): UsageInit => ({
      ...{ traceId, spanId },
      ...(isCounted && counts),
      ...Object.fromEntries(Object.entries(also).filter(([name]) => said.includes(name))),
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
    const id = record.spanId as string;
    calls.set(id, { ...calls.get(id), ...record });
  }
  return [...calls.values()]
    .map((known) => ({
      span_id: known.spanId,
      prompt_tokens: String(known.inputTokens ?? 0),
      cached_tokens: String(known.cachedTokens ?? 0),
      completion_tokens: String(known.outputTokens ?? 0),
      provider: known.provider ?? null,
      service_tier: known.serviceTier ?? null,
      cost: known.costUsd ?? computed(known),
      team: known.team ?? null,
      agent: known.agent ?? null,
    }))
    .sort((a, b) => (String(a.span_id) < String(b.span_id) ? -1 : 1));
}

/** In dollars, by all that is known; null for none. */
function computed(known: UsageInit): number | null {
  const priced = pricer.price(
    usageCall({
      provider: known.provider ?? '',
      model: 'm',
      serviceTier: known.serviceTier ?? '',
      inputTokens: Number(known.inputTokens ?? 0),
      cachedTokens: Number(known.cachedTokens ?? 0),
      outputTokens: Number(known.outputTokens ?? 0),
    }),
  );
  return typeof priced === 'string' ? null : Number(decimalText(priced.cost));
}

it('calls and costs add up, in any order, with duplicates, late fields and several collectors', async () => {
  const property = fc.asyncProperty(
    fc.array(delivery, { minLength: 1, maxLength: 5 }),
    async (deliveries) => {
      await database.empty('usage_stats', 'call_claims', 'batch_ledger');
      const outcomes = await Promise.all(
        deliveries.flatMap(({ records, collector, times }) => {
          const batch = usageBatch(records, uuidv7(), pricer);
          const { commit } = (collectors[collector] as TestCommitter).committer;
          return Array.from({ length: times }, () => commit({ id: uuidv7(), batches: [batch] }));
        }),
      );
      const all = expected(deliveries.flatMap(({ records }) => records));
      const rows = await database.rows(
        `select span_id, prompt_tokens, cached_tokens, completion_tokens, provider, service_tier,
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
