import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';
import {
  anyOf,
  ascending,
  clockChanges,
  expectQuantiles,
  partOfTime,
  sumOf,
  widths,
  zones,
} from './plain-sql.ts';
import {
  eventTypes,
  insertRandom,
  insertRandomAt,
  insertRandomUsage,
  randomOf,
  sendRandom,
} from './random-records.ts';

const dayMs = 86_400_000;
const numRuns = 12;
const changes = clockChanges();

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
  const { baseUrl, database } = telemetry;
  const random = randomOf(20261126);
  for (let batch = 0; batch < 3; batch++) await sendRandom(baseUrl, random, 150);
  await insertRandom(database, random, 300, 55);
  // Around the days that are longer or shorter.
  const near = changes.flatMap((change) =>
    Array.from({ length: 25 }, () => new Date(change.getTime() + (random() * 3 - 1) * dayMs)),
  );
  await insertRandomAt(database, random, near);
  await insertRandomUsage(database, random, near);
}, 120_000);
afterAll(() => telemetry.stop());

type Parameters = Record<string, string | number | boolean | readonly string[] | undefined>;

function queryOf(parameters: Parameters): URLSearchParams {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const each of [value ?? []].flat()) query.append(key, String(each));
  }
  return query;
}

async function ask(name: string, parameters: Parameters) {
  const asked = queryOf(parameters);
  const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${name}?${asked}`);
  expect({ status, name, parameters, body: status === 200 ? '' : body }).toMatchObject({
    status: 200,
  });
  return body;
}

/** A span of some length that has ended, or goes on; or one around a change of the clock. */
const span = fc
  .oneof(
    fc.tuple(
      fc.double({ min: 0.01, max: 45, noNaN: true }),
      fc.double({ min: 0, max: 10, noNaN: true }).map((ago) => Date.now() - ago * dayMs),
    ),
    fc.tuple(
      fc.double({ min: 0.5, max: 40, noNaN: true }),
      fc.constantFrom(...changes).map((change) => change.getTime() + 1.7 * dayMs),
    ),
  )
  .map(([length, end]) => ({
    start_time: new Date(end - length * dayMs).toISOString(),
    end_time: new Date(Math.min(end, Date.now())).toISOString(),
  }));
const zone = fc.constantFrom(...zones);
const width = fc.constantFrom(...widths);
const some = <T>(...values: T[]) => fc.oneof(fc.constant([]), fc.subarray(values));

/** Of a kind, by the names of parameters: what groups and filters are in SQL. */
const columnsOf = {
  event: {
    component: 'component',
    event_type: 'event_type',
    status: 'status',
    'metadata.gpu_id': "metadata ->> 'gpu_id'",
  },
  usage: {
    ...Object.fromEntries(
      'model layer provider operation agent project team status error_type'
        .split(' ')
        .map((name) => [name, name]),
    ),
    user: 'user_id',
    session: 'session_id',
    ghost: 'ghost_id',
    shell: 'shell_id',
    'metadata.tenant': "metadata ->> 'tenant'",
  },
} as const satisfies Record<string, Record<string, string>>;
type Kind = keyof typeof columnsOf;

const groupBy = (kind: Kind) =>
  fc.subarray(Object.keys(columnsOf[kind]), { minLength: 1, maxLength: 2 });

const filters = {
  event: fc.record({
    components: some('L1', 'gemma', '', 'nobody'),
    event_types: some(...eventTypes),
    statuses: some('OK', 'ERROR', ''),
    metadata: fc.constantFrom(undefined, undefined, '{"gpu_id": 1}'),
  }),
  usage: fc.record({
    models: some('gpt-5-mini', 'qwen3:14b'),
    operations: some('chat', ''),
    users: some('ada', 'eve'),
    statuses: some('OK', 'ERROR'),
    error_types: some('timeout', ''),
    unpriced: fc.constantFrom(undefined, undefined, true),
    metadata: fc.constantFrom(undefined, undefined, '{"tenant": 1}'),
  }),
};

interface Filter {
  readonly metadata: string | undefined;
  readonly unpriced?: boolean | undefined;
  readonly [list: string]: readonly string[] | string | boolean | undefined;
}

/** `$1` and `$2` are the bounds. */
function where(kind: Kind, { metadata, unpriced, ...lists }: Filter): string {
  const columns: Record<string, string> = columnsOf[kind];
  const singular = (name: string) => name.replace(/(?<=s)es$|s$/, '');
  return [
    '"timestamp" >= $1 and "timestamp" < $2',
    ...Object.entries(lists).map(([name, values]) =>
      anyOf(columns[singular(name)] as string, values as readonly string[]),
    ),
    ...(metadata ? [`metadata @> '${metadata}'`] : []),
    ...(unpriced ? ['cost_usd is null'] : []),
  ].join(' and ');
}

interface Asked {
  readonly kind: Kind;
  readonly at?: string;
  readonly by?: readonly string[];
  readonly value?: string;
  readonly filter: Filter;
  readonly span: { readonly start_time: string; readonly end_time: string };
}

interface Expected {
  readonly at: Date | null;
  readonly names: readonly (string | null)[];
  readonly [sum: string]: unknown;
}

/** What rows add up to, by part of time and group. */
async function plain({
  kind,
  at = 'null::timestamptz',
  by = [],
  value = 'value',
  filter,
  span,
}: Asked) {
  const columns: Record<string, string> = columnsOf[kind];
  const numbers = (column: string) =>
    `coalesce(array_agg(${column} order by ${column}) filter (where ${column} is not null), '{}')`;
  const tokens = (name: string) => `sum((metadata ->> '${name}')::int)::int as ${name}`;
  const sums = {
    event: `count(*)::int as count, ${numbers(value)} as numbers,
      ${tokens('tokens_generated')}, ${tokens('total_tokens')},
      count(*) filter (where status not in ('OK'))::int as not_ok`,
    usage: `count(*)::int as requests,
      count(*) filter (where error_type is not null or status <> 'OK')::int as errors,
      sum(prompt_tokens)::int as input_tokens, sum(completion_tokens)::int as output_tokens,
      sum(prompt_tokens + completion_tokens)::int as total_tokens,
      sum(cached_tokens)::int as cached_tokens, sum(cost_usd)::float8 as cost_usd,
      count(*) filter (where cost_usd is null)::int as unpriced,
      coalesce(sum(prompt_tokens + completion_tokens) filter (where cost_usd is null), 0)::int
        as unpriced_tokens,
      count(*) filter (where ambiguous)::int as ambiguous,
      ${numbers('duration_ms')} as durations, ${numbers('time_to_first_token_ms')} as first_tokens`,
  };
  return await telemetry.database.rows<Expected>(
    `select ${at} as at, array[${by.map((name) => columns[name]).join(', ')}]::text[] as names,
       ${sums[kind]}
     from ${kind === 'event' ? 'system_telemetry' : 'usage_stats'}
     where ${where(kind, filter)} group by 1, 2`,
    [span.start_time, span.end_time],
  );
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Found = any;

function expectValues(found: Found, count: string, numbers: readonly number[]): void {
  expect(found[count]).toBe(numbers.length);
  expect(found.min).toBe(numbers[0] ?? null);
  expect(found.max).toBe(numbers.at(-1) ?? null);
  if (numbers.length === 0) expect(found.mean).toBeNull();
  else expect(found.mean).toBeCloseTo(sumOf(numbers) / numbers.length, 4);
  expectQuantiles(found, numbers);
}

const expectTotals = {
  event: (found: Found, { at: _at, names: _names, numbers, ...counts }: Expected) => {
    expect(found).toMatchObject(counts);
    expectValues(found, 'values', numbers as number[]);
    if ((numbers as number[]).length === 0) expect(found.sum).toBeNull();
    else expect(found.sum).toBeCloseTo(sumOf(numbers as number[]), 4);
  },
  usage: (found: Found, expected: Expected) => {
    const { at: _at, names: _names, durations, first_tokens, cost_usd, ...counts } = expected;
    expect(found).toMatchObject(counts);
    if (cost_usd === null) expect(found.cost_usd).toBeNull();
    else expect(found.cost_usd).toBeCloseTo(cost_usd as number, 6);
    expectValues(found.duration_ms, 'count', durations as number[]);
    expectValues(found.time_to_first_token_ms, 'count', first_tokens as number[]);
    const [input, cached] = [counts.input_tokens as number, counts.cached_tokens as number];
    if (input === 0) expect(found.cache_hit_rate).toBeNull();
    else expect(found.cache_hit_rate).toBeCloseTo(Math.min(1, cached / input), 9);
  },
};

const isOf = (group: Record<string, string>, by: readonly string[]) => (row: Expected) =>
  by.every((name, index) => (row.names[index] || undefined) === group[name]);

/** Parts without anything between are there, and those with something are as the rows say. */
function expectPoints(
  kind: Kind,
  points: readonly Found[],
  of: 'statistics' | 'totals',
  rows: readonly Expected[],
  { start_time, end_time }: Asked['span'],
): number {
  let seen = 0;
  points.forEach((point, index) => {
    if (index > 0) expect(point.start_time).toBe(points[index - 1].end_time);
    const count = point[of].count ?? point[of].requests;
    if (count === 0) return;
    const begins = Date.parse(point.start_time);
    const expected = rows.find((row) => row.at?.getTime() === begins);
    expect({ at: point.start_time, expected }).toHaveProperty(`expected.names`);
    expectTotals[kind](point[of], expected as Expected);
    seen += count;
  });
  expect(Date.parse(points[0].start_time)).toBeLessThanOrEqual(Date.parse(start_time));
  expect(Date.parse(points.at(-1).end_time)).toBeGreaterThanOrEqual(Date.parse(end_time));
  return seen;
}

const countOf = (rows: readonly Expected[]): number =>
  sumOf(rows.map((row) => (row.count ?? row.requests) as number));

/** What is too fine for the range is asked for wider, and the answer says so. */
function isAsAsked(body: Found, asked: string): boolean {
  if (body.width === asked) return true;
  expect(body.source.notes).toContainEqual(expect.objectContaining({ field: 'width' }));
  return false;
}

describe('answers are those of plain SQL on the rows', () => {
  it('over time, in every zone and width', async () => {
    const value = fc.constantFrom('value', 'metadata.used');
    const question = fc.record({
      span,
      zone,
      width,
      value,
      filter: filters.event,
      by: groupBy('event'),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ span, zone, width, value, filter, by }) => {
        const asked = { ...filter, ...span, time_zone: zone, width, value, group_by: by };
        const body = await ask('timeseries', asked);
        if (!isAsAsked(body, width)) return;
        const rows = await plain({
          kind: 'event',
          at: partOfTime(width, zone),
          by,
          value: value === 'value' ? value : "(metadata ->> 'used')::float8",
          filter,
          span,
        });
        const seen = body.series.map(({ group, points }: Found) =>
          expectPoints('event', points, 'statistics', rows.filter(isOf(group, by)), span),
        );
        if (body.rest_groups === 0) expect(sumOf(seen)).toBe(countOf(rows));
      }),
      { numRuns: 2 * numRuns },
    );
  }, 120_000);

  it('by group and in total, with what is beyond the limit in one, and before', async () => {
    const question = fc.record({
      span,
      filter: filters.event,
      limit: fc.constantFrom(1, 2, 100),
      by: groupBy('event'),
      order_by: fc.constantFrom('count', 'values', 'max', 'total_tokens', 'not_ok'),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ span, filter, limit, by, order_by }) => {
        const asked = { ...filter, ...span, group_by: by, limit, order_by, compare_before: true };
        const body = await ask('stats', { ...asked, histogram_buckets: 10 });
        const rows = await plain({ kind: 'event', by, filter, span });
        for (const { group, statistics } of body.groups) {
          expectTotals.event(statistics, rows.find(isOf(group, by)) as Expected);
        }
        expect(body.groups).toHaveLength(Math.min(limit, rows.length));
        expect(body.rest_groups).toBe(Math.max(0, rows.length - limit));
        const ranks = body.groups.map(({ statistics }: Found) => statistics[order_by] ?? -Infinity);
        expect(ranks).toEqual(ranks.toSorted((a: number, b: number) => b - a));
        const numbers = rows.flatMap((row) => row.numbers as number[]).sort(ascending);
        expect(body.total.count).toBe(countOf(rows));
        expectValues(body.total, 'values', numbers);
        const counts = body.groups.map(({ statistics }: Found) => statistics.count);
        expect(sumOf(counts) + (body.rest?.count ?? 0)).toBe(countOf(rows));
        const { buckets = [], below = 0, above = 0 } = body.histogram ?? {};
        expect(sumOf(buckets.map(({ count }: Found) => count)) + below + above).toBe(
          numbers.length,
        );

        const length = Date.parse(span.end_time) - Date.parse(span.start_time);
        const start = new Date(Date.parse(span.start_time) - length).toISOString();
        const earlier = { start_time: start, end_time: span.start_time };
        const before = await plain({ kind: 'event', by, filter, span: earlier });
        expect(body.before.count).toBe(countOf(before));
        for (const { group, before: same } of body.groups) {
          const expected = before.find(isOf(group, by));
          if (expected) expectTotals.event(same, expected);
          else expect(same).toBeNull();
        }
      }),
      { numRuns },
    );
  }, 120_000);

  it('of usage, by any dimension, in every zone and width', async () => {
    const question = fc.record({
      span,
      zone,
      width,
      filter: filters.usage,
      by: groupBy('usage'),
      order_by: fc.constantFrom('total_tokens', 'requests', 'errors', 'unpriced'),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ span, zone, width, filter, by, order_by }) => {
        const asked = { ...filter, ...span, time_zone: zone, width, group_by: by, order_by };
        const body = await ask('usage/summary', asked);
        const rows = await plain({ kind: 'usage', by, filter, span });
        expect(body.groups.length + body.rest_groups).toBe(rows.length);
        for (const { group, totals } of body.groups) {
          expectTotals.usage(totals, rows.find(isOf(group, by)) as Expected);
        }
        const ranks = body.groups.map(({ totals }: Found) => totals[order_by]);
        expect(ranks).toEqual(ranks.toSorted((a: number, b: number) => b - a));
        expect(body.total.requests).toBe(countOf(rows));
        if (!isAsAsked(body, width)) return;
        const at = partOfTime(width, zone);
        const parts = await plain({ kind: 'usage', at, filter, span });
        expect(expectPoints('usage', body.periods, 'totals', parts, span)).toBe(countOf(rows));
        const perGroup = await plain({ kind: 'usage', at, by, filter, span });
        for (const { group, periods } of body.groups.slice(0, 5)) {
          expectPoints('usage', periods, 'totals', perGroup.filter(isOf(group, by)), span);
        }
      }),
      { numRuns: 2 * numRuns },
    );
  }, 120_000);

  it('of records, page by page, in either order', async () => {
    const question = fc.record({
      span,
      kind: fc.constantFrom('event', 'usage'),
      order: fc.constantFrom('newest', 'oldest'),
      limit: fc.constantFrom(7, 50, 1000),
      ofEvents: filters.event,
      ofUsage: filters.usage,
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ span, kind, order, limit, ofEvents, ofUsage }) => {
        const filter = kind === 'event' ? ofEvents : ofUsage;
        const name = kind === 'event' ? 'events' : 'usage/records';
        const asked = queryOf({ ...span, order, limit, ...filter });
        const found: string[] = [];
        for (let query: string | undefined = `?${asked}`; query; ) {
          const response: Response = await fetch(
            `${telemetry.baseUrl}/v1/telemetry/${name}${query}`,
          );
          const records = (await response.json()) as { id: string }[];
          found.push(...records.map(({ id }) => id));
          query = /<(.*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
        }
        const direction = order === 'newest' ? 'desc' : 'asc';
        const rows = await telemetry.database.rows<{ id: string }>(
          `select id from ${kind === 'event' ? 'system_telemetry' : 'usage_stats'}
           where ${where(kind, filter)} order by "timestamp" ${direction}, id ${direction}`,
          [span.start_time, span.end_time],
        );
        expect(found).toEqual(rows.map(({ id }) => id));
      }),
      { numRuns },
    );
  }, 120_000);

  it('of days, by trends in every zone', async () => {
    const days = fc.constantFrom(7, 55);
    await fc.assert(
      fc.asyncProperty(zone, days, fc.constantFrom(...eventTypes), async (zone, days, type) => {
        const asked = { days, time_zone: zone, event_type: type, quantiles: true };
        const { model_trends: trends, source } = await ask('trends', asked);
        const rows = await plain({
          kind: 'event',
          at: partOfTime('1d', zone),
          by: ['component'],
          filter: { event_types: [type], metadata: undefined },
          span: { start_time: source.start_time, end_time: source.as_of },
        });
        const found = trends.flatMap(({ component, days: of }: Found) =>
          of.map((day: Found) => {
            const row = rows.find(
              ({ at, names }) => names[0] === component && at?.getTime() === Date.parse(day.day),
            ) as Expected;
            expect(day.measurement_count).toBe(row.count);
            expectQuantiles(day, row.numbers as number[]);
            return day.measurement_count;
          }),
        );
        expect(sumOf(found)).toBe(countOf(rows));
      }),
      { numRuns: 6 },
    );
  }, 120_000);
});
