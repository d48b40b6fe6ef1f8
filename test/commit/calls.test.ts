import { uuidv7 } from 'uuidv7';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Settlement } from '../../src/buffer/batch.ts';
import type { Origin } from '../../src/commit/group-committer.ts';
import { parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { type UsageInit, usageBatch } from '../support/calls.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let committers: Record<Origin, TestCommitter>;
beforeAll(async () => {
  database = await createDatabase();
  committers = {
    callers: createCommitter(database, 'callers'),
    spool: createCommitter(database, 'spool'),
  };
});
afterAll(async () => {
  for (const { end } of Object.values(committers)) await end();
  await database.drop();
});
beforeEach(async () => {
  await database.empty('usage_stats', 'call_claims', 'dead_letters', 'batch_ledger');
});

async function store(
  records: readonly UsageInit[],
  origin: Origin = 'callers',
): Promise<Settlement> {
  const batches = [usageBatch(records)];
  const { commit } = committers[origin].committer;
  const [settlement] = await commit({ id: uuidv7(), batches });
  return settlement as Settlement;
}

const stored = () =>
  database.rows<Record<string, string | number | null>>(
    'select * from usage_stats order by "timestamp", response_id',
  );
const repeated = (count: number) => ({
  kind: 'stored',
  repeated: { count, firstRowId: expect.any(String) },
});

describe.each<Origin>(['callers', 'spool'])('a call that comes twice, from %s', (origin) => {
  it.each<[string, UsageInit, UsageInit]>([
    [
      'by the id of its answer',
      { provider: 'Anthropic', responseId: 'r' },
      { provider: 'anthropic', responseId: 'r', requestId: 'q', traceId: 't1', spanId: 's1' },
    ],
    [
      'by the id of its answer, of a provider of several names',
      { provider: 'azure.ai.openai', responseId: 'r' },
      { provider: 'azure', responseId: 'r' },
    ],
    ['by the id of its answer alone', { responseId: 'r' }, { responseId: 'r' }],
    [
      'by the id of its request',
      { provider: 'p', requestId: 'q', spanId: 's' },
      { provider: 'P', requestId: 'q' },
    ],
    [
      'by the id of its request, where only the second names its answer',
      { provider: 'p', requestId: 'q' },
      { provider: 'p', requestId: 'q', responseId: 'r' },
    ],
    [
      'by the id of its request, where only the first names its answer',
      { provider: 'p', requestId: 'q', responseId: 'r' },
      { provider: 'p', requestId: 'q' },
    ],
    [
      'by its span',
      { provider: 'p', traceId: 'ABCDEF', spanId: '12' },
      { traceId: 'abcdef', spanId: '12' },
    ],
  ])('is stored once %s', async (_, first, second) => {
    expect(await store([first], origin)).toEqual({ kind: 'stored' });
    expect(await store([second], origin)).toEqual(repeated(1));
    expect(await stored()).toHaveLength(1);
  });

  it.each<[string, UsageInit, UsageInit]>([
    ['no ids', {}, {}],
    ['other answers', { responseId: 'r' }, { responseId: 's' }],
    ['other providers', { provider: 'p', responseId: 'r' }, { provider: 'q', responseId: 'r' }],
    [
      'other answers in one span',
      { traceId: 't', spanId: 's', responseId: 'a' },
      { traceId: 't', spanId: 's', responseId: 'b' },
    ],
    ...['chatcmpl-42', 'cmpl-7', 'resp_123456', 'msg_999'].map(
      (id): [string, UsageInit, UsageInit] => [
        `an id that is one of few, ${id}`,
        { responseId: id },
        { responseId: id },
      ],
    ),
    ['an id of a request that is one of few', { requestId: 'cmpl-1' }, { requestId: 'cmpl-1' }],
    ['a trace alone', { traceId: 't' }, { traceId: 't' }],
    ['spans of nothing', { traceId: '00', spanId: '00' }, { traceId: '00', spanId: '00' }],
    ['ids of request and answer that are equal', { responseId: 'r' }, { requestId: 'r' }],
  ])('is two calls with %s', async (_, first, second) => {
    expect(await store([first, second], origin)).toEqual({ kind: 'stored' });
    expect(await stored()).toHaveLength(2);
  });

  it('is known by all names that any of its records has', async () => {
    const [ofRequest, ofAnswer] = [{ requestId: 'q' }, { responseId: 'r' }];
    await store([ofRequest], origin);
    expect(await store([{ ...ofRequest, ...ofAnswer, team: 't' }], origin)).toEqual(repeated(1));
    // The first does not say it, and yet it is that answer.
    expect(await store([{ ...ofAnswer, agent: 'a' }], origin)).toEqual(repeated(1));
    expect(await stored()).toMatchObject([
      { request_id: 'q', response_id: 'r', team: 't', agent: 'a' },
    ]);
    const together = [{ requestId: 'x' }, { requestId: 'x', responseId: 'y' }, { responseId: 'y' }];
    expect(await store(together, origin)).toEqual(repeated(2));
    expect(await store([{ responseId: 'y' }, { requestId: 'x' }], origin)).toEqual(repeated(2));
    expect(await stored()).toHaveLength(2);
  });

  it('has the counts of the first, and what only the second says', async () => {
    const call = { provider: 'p', responseId: 'r' };
    await store([{ ...call, inputTokens: 10n, outputTokens: 2n, team: 'first' }], origin);
    const later = { inputTokens: 11n, cachedTokens: 3n, team: 'second', userId: 'u' };
    const odd = { metadata: { a: [1, { b: null }] }, timeToFirstTokenMs: 0.1, durationMs: 5e-324 };
    expect(await store([{ ...call, ...later, ...odd, costUsd: 0.1 }], origin)).toEqual(repeated(1));
    expect(await stored()).toMatchObject([
      {
        prompt_tokens: '10',
        completion_tokens: '2',
        cached_tokens: '0',
        team: 'first',
        user_id: 'u',
        metadata: odd.metadata,
        time_to_first_token_ms: 0.1,
        duration_ms: 5e-324,
        cost_usd: '0.1',
        cost_source: 'client',
      },
    ]);
  });

  it('has the counts of the second where the first counts nothing', async () => {
    await store([{ responseId: 'r', durationMs: 1 }], origin);
    const counts = { inputTokens: 3n, cachedTokens: 4n, cacheWriteTokens: 2n, outputTokens: 1n };
    await store([{ responseId: 'r', ...counts, usageRule: 'other' }], origin);
    expect(await stored()).toMatchObject([
      {
        prompt_tokens: '3',
        completion_tokens: '1',
        cached_tokens: '4',
        cache_write_tokens: '2',
        usage_rule: 'other',
        ambiguous: true,
        duration_ms: 1,
      },
    ]);
  });

  it('is told within a group, and within a batch', async () => {
    const batches = [
      usageBatch([{ responseId: 'a', team: 't' }, { responseId: 'b' }, { responseId: 'a' }]),
      usageBatch([{ responseId: 'b', agent: 'x' }, {}, { responseId: 'a', agent: 'y' }]),
      usageBatch([{ responseId: 'a', agent: 'z' }]),
    ];
    const { commit } = committers[origin].committer;
    expect(await commit({ id: uuidv7(), batches })).toEqual([
      repeated(1),
      repeated(2),
      repeated(1),
    ]);
    expect(
      await database.rows('select response_id, team, agent from usage_stats order by 1'),
    ).toEqual([
      { response_id: 'a', team: 't', agent: 'y' },
      { response_id: 'b', team: null, agent: 'x' },
      { response_id: null, team: null, agent: null },
    ]);
  });

  it('gives a repetition of its batch the first answer', async () => {
    await store([{ responseId: 'r' }], origin);
    const batch = { ...usageBatch([{ responseId: 'r' }, {}]), groupId: uuidv7() };
    const { commit } = committers[origin].committer;
    const group = { id: batch.groupId, batches: [batch] };
    expect(await commit(group)).toEqual([repeated(1)]);
    expect(await commit(group)).toEqual([repeated(1)]);
    const other = { ...batch, groupId: uuidv7() };
    const answer = { ...batch.answer, repeated: repeated(1).repeated };
    expect(await commit({ id: uuidv7(), batches: [other] })).toEqual([
      { kind: 'duplicate', answer },
    ]);
    expect(await stored()).toHaveLength(2);
  });
});

describe('a cost', () => {
  const call = { responseId: 'r', inputTokens: 1n };
  const computed = () =>
    database.rows(`update usage_stats set cost_usd = 0.5, cost_source = 'list@1/2026-01-01'`);

  it('of the client wins over a computed one, whichever came first', async () => {
    await store([call]);
    await computed();
    await store([{ ...call, costUsd: 0.7 }]);
    expect(await stored()).toMatchObject([{ cost_usd: '0.7', cost_source: 'client' }]);
    await store([{ ...call, costUsd: 0.9, costSource: 'invoice' }]);
    expect(await stored()).toMatchObject([{ cost_usd: '0.7', cost_source: 'client' }]);
  });

  it('of nobody leaves a computed one as it is', async () => {
    await store([call]);
    await computed();
    await store([{ ...call, team: 't' }]);
    expect(await stored()).toMatchObject([{ cost_usd: '0.5', team: 't' }]);
  });
});

describe('a computed cost', () => {
  const own = parseOwnPrices(
    JSON.stringify({
      prices: [
        { model: 'm', service_tier: 'batch', usd_per_million_tokens: { input: 1, output: 1 } },
        { provider: 'openai', model: 'm', usd_per_million_tokens: { input: 2, output: 2 } },
        { provider: 'local', model: 'm', usd_per_gpu_hour: 3.6 },
      ],
    }),
    new Date('2026-11-26'),
  );
  const pricer = new Pricer(() => own);
  let priced: TestCommitter;
  beforeAll(() => {
    priced = createCommitter(database, 'callers', {}, pricer);
  });
  afterAll(() => priced.end());

  const span = { traceId: 'ab', spanId: 'cd' };
  const counts = { inputTokens: 1_000_000n };
  it.each<[string, UsageInit[], string | null]>([
    ['the provider that a later one names', [counts, { provider: 'openai' }], '2'],
    [
      'the tier that a later one names',
      [{ ...counts, provider: 'openai' }, { serviceTier: 'batch' }],
      '1',
    ],
    [
      'nothing, where a tier has no price',
      [{ ...counts, provider: 'openai' }, { serviceTier: 'flex' }],
      null,
    ],
    [
      'the duration that a later one has',
      [{ ...counts, provider: 'local' }, { durationMs: 1000 }],
      '0.001',
    ],
    [
      'what three say, each a part',
      [counts, { serviceTier: 'batch' }, { provider: 'openai', durationMs: 5 }],
      '1',
    ],
    [
      "a client's own, whatever else is said",
      [{ ...counts, costUsd: 7 }, { provider: 'openai' }],
      '7',
    ],
  ])('goes by %s, in any order', async (_, records, cost) => {
    const source = cost === null ? null : cost === '7' ? 'client' : `own@${own.version}/2026-11-26`;
    for (const order of [records, records.toReversed()]) {
      await database.empty('usage_stats', 'call_claims');
      for (const record of order) {
        const batch = usageBatch([{ ...span, ...record }], uuidv7(), pricer);
        await priced.committer.commit({ id: uuidv7(), batches: [batch] });
      }
      expect(await stored()).toMatchObject([{ cost_usd: cost, cost_source: source }]);
    }
  });
});

describe('a call whose first record is not taken', () => {
  beforeEach(() =>
    database.rows(`alter table usage_stats add constraint no_bad check (team <> 'bad')`),
  );
  afterEach(() => database.rows('alter table usage_stats drop constraint no_bad'));

  it('is stored with the next, in the same group or later', async () => {
    const batches = [
      usageBatch([
        { responseId: 'r', team: 'bad' },
        { responseId: 's', team: 'bad' },
      ]),
      usageBatch([{ responseId: 'r', team: 'good' }, { responseId: 'r' }]),
    ];
    const { commit } = committers.callers.committer;
    expect(await commit({ id: uuidv7(), batches })).toEqual([
      { kind: 'stored', deadLettered: { event: 0, usage: 2 } },
      { ...repeated(1), deadLettered: { event: 0, usage: 0 } },
    ]);
    expect(await store([{ responseId: 's', team: 'good' }])).toEqual({ kind: 'stored' });
    const rows = await stored();
    expect(rows).toMatchObject([{ team: 'good' }, { team: 'good' }]);
    expect(await database.rows('select row_id from call_claims order by 1')).toEqual(
      rows
        .map(({ id }) => ({ row_id: id }))
        .toSorted((a, b) => (String(a.row_id) < String(b.row_id) ? -1 : 1)),
    );
  });

  it('stays as it is where it does not take what a later one says', async () => {
    await store([{ responseId: 'r' }]);
    expect(await store([{ responseId: 'r', team: 'bad' }, { team: 'good' }])).toEqual({
      ...repeated(1),
      deadLettered: { event: 0, usage: 0 },
    });
    expect(await database.count(`select count(*) from usage_stats where team is null`)).toBe(1);
  });
});

it('never deadlocks with another collector that has the same calls in another order', async () => {
  const other = createCommitter(database, 'callers');
  const here = committers.callers.committer;
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 40 }, (_, n) => ({ responseId: `${round}-${n}` }));
    const batchesOf = (agent: string) => calls.map((call) => usageBatch([{ ...call, agent }]));
    await Promise.all([
      here.commit({ id: uuidv7(), batches: batchesOf('a') }),
      other.committer.commit({ id: uuidv7(), batches: batchesOf('b').toReversed() }),
      here.commit({ id: uuidv7(), batches: batchesOf('c').toReversed() }),
    ]);
  }
  await other.end();
  expect(await database.count('select count(*) from usage_stats')).toBe(400);
  expect(await database.count('select count(*) from call_claims')).toBe(400);
});
