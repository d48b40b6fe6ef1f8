import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';
import { components, eventTypes, insertRandom, randomOf, sendRandom } from './random-records.ts';

const dayMs = 86_400_000;
const numRuns = 12;

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
  const random = randomOf(20261126);
  for (let batch = 0; batch < 3; batch++) await sendRandom(telemetry.baseUrl, random, 150);
  await insertRandom(telemetry.database, random, 300, 55);
}, 120_000);
afterAll(() => telemetry.stop());

type Parameters = Record<string, string | readonly string[] | undefined>;

async function ask(name: string, parameters: Parameters) {
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const each of [value ?? []].flat()) asked.append(key, each as string);
  }
  const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${name}?${asked}`);
  expect({ status, name, parameters, body: status === 200 ? '' : body }).toMatchObject({
    status: 200,
  });
  return body;
}

/** A span of some length that has ended, or goes on. */
const span = fc
  .tuple(
    fc.double({ min: 0.01, max: 45, noNaN: true }),
    fc.double({ min: 0, max: 10, noNaN: true }),
  )
  .map(([length, ago]) => {
    const end = Date.now() - ago * dayMs;
    return {
      start: new Date(end - length * dayMs).toISOString(),
      end: new Date(end).toISOString(),
    };
  });
const zone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'Asia/Kathmandu',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/St_Johns',
);
const filters = fc.record({
  component: fc.subarray(components.filter((each) => each !== null)),
  event_type: fc.subarray(eventTypes),
});

/** As the question is asked in plain SQL, on the rows; `$1` and `$2` are the bounds. */
const where = ({ component, event_type }: { component: string[]; event_type: string[] }) => {
  const any = (column: string, values: string[]) =>
    values.length === 0 ? 'true' : `${column} = any('{${values.join(',')}}')`;
  return `"timestamp" >= $1 and "timestamp" < $2
    and ${any('component', component)} and ${any('event_type', event_type)}`;
};

interface Expected {
  readonly at: string | null;
  readonly name: string | null;
  readonly count: number;
  readonly values: number[] | null;
  readonly tokens: number | null;
  readonly not_ok: number;
}

const plain = (at: string, name: string, condition: string) => `
  select (${at}) as at, ${name} as name, count(*)::int as count,
    array_agg(value order by value) filter (where value is not null) as values,
    sum((metadata ->> 'tokens_generated')::int)::int as tokens,
    count(*) filter (where status not in ('OK'))::int as not_ok
  from system_telemetry where ${condition} group by 1, 2`;

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
function expectStatistics(found: any, { count, values, tokens, not_ok }: Expected): void {
  const numbers = values ?? [];
  expect(found).toMatchObject({ count, values: numbers.length, tokens_generated: tokens, not_ok });
  if (numbers.length === 0) {
    expect(found).toMatchObject({ sum: null, mean: null, min: null, p50: null });
    return;
  }
  const sum = numbers.reduce((total, each) => total + each, 0);
  expect(found.sum).toBeCloseTo(sum, 4);
  expect(found.mean).toBeCloseTo(sum / numbers.length, 4);
  expect(found.min).toBe(numbers[0]);
  expect(found.max).toBe(numbers.at(-1));
  for (const [name, share] of [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99],
  ] as const) {
    const exact = numbers[Math.floor(share * (numbers.length - 1))] as number;
    expect(Math.abs(found[name] - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.01 + 1e-9);
  }
}

const widths = {
  '15m': (_zone: string) => `date_bin('15 minutes', "timestamp", '2000-01-01 UTC')`,
  '1h': (zone: string) => `date_trunc('hour', "timestamp", '${zone}')`,
  '1d': (zone: string) => `date_trunc('day', "timestamp", '${zone}')`,
  '1w': (zone: string) => `date_trunc('week', "timestamp", '${zone}')`,
  '1mo': (zone: string) => `date_trunc('month', "timestamp", '${zone}')`,
} as const;

describe('answers are those of plain SQL on the rows', () => {
  it('over time, in every zone and width', async () => {
    const question = fc.record({
      span,
      zone,
      filters,
      width: fc.constantFrom(...(Object.keys(widths) as (keyof typeof widths)[])),
      by: fc.constantFrom('component', 'event_type', 'metadata.gpu_id'),
    });
    await fc.assert(
      fc.asyncProperty(
        question,
        async ({ span: { start, end }, zone: time_zone, filters: some, width, by }) => {
          const body = await ask('timeseries', {
            ...some,
            start_time: start,
            end_time: end,
            time_zone,
            width,
            group_by: by,
          });
          const name = by === 'metadata.gpu_id' ? `metadata ->> 'gpu_id'` : by;
          // What is too fine for the range is asked for wider, and it says so.
          if (body.width !== width) {
            expect(body.source.notes).toMatchObject([{ field: 'width' }]);
            return;
          }
          const rows = await telemetry.database.rows<Expected>(
            plain(widths[width](time_zone), name, where(some)),
            [start, end],
          );
          let seen = 0;
          for (const series of body.series) {
            let last: string | undefined;
            for (const point of series.points) {
              if (last !== undefined) expect(point.start_time).toBe(last);
              last = point.end_time;
              if (point.statistics.count === 0) continue;
              const expected = rows.find(
                (row) =>
                  (row.name ?? undefined) === series.group[by] &&
                  new Date(row.at as string).getTime() === Date.parse(point.start_time),
              );
              expect({ width, time_zone, at: point.start_time, expected }).toHaveProperty(
                'expected.count',
              );
              expectStatistics(point.statistics, expected as Expected);
              seen += point.statistics.count;
            }
            expect(Date.parse(series.points[0].start_time)).toBeLessThanOrEqual(Date.parse(start));
            expect(Date.parse(last as string)).toBeGreaterThanOrEqual(Date.parse(end));
          }
          expect(seen).toBe(rows.reduce((sum, { count }) => sum + count, 0));
        },
      ),
      { numRuns, examples: [] },
    );
  }, 120_000);

  it('by group and in total, with what is beyond the limit in one', async () => {
    const question = fc.record({
      span,
      filters,
      limit: fc.constantFrom(1, 2, 100),
      by: fc.constantFrom('component', 'event_type', 'status'),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ span: { start, end }, filters: some, limit, by }) => {
        const body = await ask('stats', {
          ...some,
          start_time: start,
          end_time: end,
          group_by: by,
          limit: String(limit),
        });
        const rows = await telemetry.database.rows<Expected>(plain('null', by, where(some)), [
          start,
          end,
        ]);
        for (const { group, statistics } of body.groups) {
          const expected = rows.find(({ name }) => (name ?? undefined) === group[by]);
          expectStatistics(statistics, expected as Expected);
        }
        expect(body.groups).toHaveLength(Math.min(limit, rows.length));
        expect(body.rest_groups).toBe(Math.max(0, rows.length - limit));
        const values = rows.flatMap((row) => row.values ?? []).sort((a, b) => a - b);
        const count = rows.reduce((sum, row) => sum + row.count, 0);
        expect(body.total).toMatchObject({ count, values: values.length, min: values[0] ?? null });
        const inGroups = body.groups.reduce(
          (sum: number, each: { statistics: { count: number } }) => sum + each.statistics.count,
          0,
        );
        expect(inGroups + (body.rest?.count ?? 0)).toBe(count);
      }),
      { numRuns },
    );
  }, 120_000);

  it('of usage, by any dimension', async () => {
    const columns = {
      model: 'model',
      layer: 'layer',
      provider: 'provider',
      agent: 'agent',
      project: 'project',
      user: 'user_id',
      session: 'session_id',
    };
    const question = fc.record({
      span,
      by: fc.constantFrom(...(Object.keys(columns) as (keyof typeof columns)[])),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ span: { start, end }, by }) => {
        const body = await ask('usage/summary', { start_time: start, end_time: end, group_by: by });
        const rows = await telemetry.database.rows<Record<string, unknown>>(
          `select ${columns[by]} as name, count(*)::int as requests, sum(prompt_tokens)::int as input_tokens,
             sum(completion_tokens)::int as output_tokens, sum(cached_tokens)::int as cached_tokens,
             sum(cost_usd)::float8 as cost_usd, count(*) filter (where cost_usd is null)::int as unpriced,
             count(*) filter (where status <> 'OK')::int as errors
           from usage_stats where "timestamp" >= $1 and "timestamp" < $2 group by 1`,
          [start, end],
        );
        expect(body.groups).toHaveLength(rows.length);
        for (const { group, totals } of body.groups) {
          const {
            name: _,
            cost_usd,
            ...counts
          } = rows.find(({ name }) => name === group[by]) ?? {};
          expect(totals).toMatchObject(counts);
          if (cost_usd === null) expect(totals.cost_usd).toBeNull();
          else expect(totals.cost_usd).toBeCloseTo(cost_usd as number, 6);
        }
      }),
      { numRuns },
    );
  }, 120_000);
});
