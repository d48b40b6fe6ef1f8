import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';
import { insertRandom, randomOf, sendRandom } from './random-records.ts';

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const queries = read('queries.md');
const analysts = read('analysts.md');
const blocks = (text: string, language: string) =>
  Array.from(
    text.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g')),
    ([, block = '']) => block,
  );
const column = (text: string, heading: string) =>
  (text.split(`| ${heading} |`)[1] as string)
    .split('\n\n', 1)[0]
    ?.split('\n')
    .slice(2)
    .map((line) => line.split('|')[1]?.trim().replaceAll('`', '')) as string[];

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
  await sendRandom(telemetry.baseUrl, randomOf(1), 40);
  await insertRandom(telemetry.database, randomOf(2), 20, 5);
}, 60_000);
afterAll(() => telemetry.stop());

it('queries.md has every method, and the HTTP names that there are', () => {
  expect(column(queries, 'method | HTTP name | answers')).toEqual(
    expect.arrayContaining(QueryService.methods.map(({ name }) => name)),
  );
  const named = Array.from(queries.matchAll(/^\| `\w+` \| `GET (\S+)`/gm), ([, path]) => path);
  const routes = telemetry.collector.routes
    .filter(
      ({ path, methods, scope }) =>
        path.startsWith('/v1/') && methods.includes('GET') && scope === 'query',
    )
    .map(({ path }) => path);
  expect(routes.sort()).toEqual(named.sort());
});

/** The address that a line with curl asks for. */
function addressOf(line: string): string {
  const [, address = ''] = /'(http:\/\/localhost:8002[^']*)'/.exec(line) ?? [];
  const url = new URL(address);
  const [, name, value] = /--data-urlencode '(\w+)=([^']*)'/.exec(line) ?? [];
  if (name) url.searchParams.set(name, value as string);
  return `${telemetry.baseUrl}${url.pathname}${url.search}`;
}
const calls = blocks(queries, 'sh').flatMap((block) =>
  block.split('\n').filter((line) => line.startsWith('curl')),
);

it.each(calls)('%s', async (line) => {
  const response = await fetch(addressOf(line));
  const text = await response.text();
  expect([response.status, text.slice(0, 300)]).toEqual([200, expect.anything()]);
  expect(text.length).toBeGreaterThan(10);
});

it('tells of the month so far, beside the one before, by day and model', async () => {
  const call = calls.find((line) => line.includes('forecast=true')) as string;
  const { body } = await getJson(addressOf(call));
  expect(body).toMatchObject({
    width: '1d',
    forecast: { method: expect.stringContaining('days') },
  });
  expect(body.forecast.cost_usd.low).toBeLessThanOrEqual(body.forecast.cost_usd.high);
  expect(body.forecast.requests.value).toBeGreaterThanOrEqual(body.total.requests);
  type Coming = { start_time: string; end_time: string; requests: number };
  const coming: Coming[] = body.forecast.coming;
  const foreseen = coming.reduce((sum, { requests }) => sum + requests, body.total.requests);
  expect(foreseen).toBeCloseTo(body.forecast.requests.value, 6);
  // The rest of today, and each day of the month after it without a gap.
  expect(coming.at(-1)?.end_time).toBe(body.forecast.end_time);
  expect(coming.slice(1).map(({ start_time }) => start_time)).toEqual(
    coming.slice(0, -1).map(({ end_time }) => end_time),
  );
  expect(body.before.whole.requests).toBeGreaterThanOrEqual(body.before.totals.requests);
  const days = new Date(
    Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 0),
  ).getUTCDate();
  expect(body.periods.length).toBe(days);
  const sum = body.groups.reduce(
    (all: number, { totals }: { totals: { requests: number } }) => all + totals.requests,
    0,
  );
  expect(sum).toBe(body.total.requests);
});

it('analysts.md names every view, and its role reads them, and nothing else', async () => {
  const { database } = telemetry;
  const [create = '', ...questions] = blocks(analysts, 'sql');
  const views = await database.rows<{ name: string }>(
    `select viewname as name from pg_views where schemaname = 'public' order by 1`,
  );
  expect(column(analysts, 'view | a row').sort()).toEqual(views.map(({ name }) => name));
  const client = await database.pool.connect();
  try {
    await client.query(`begin; ${create}`);
    await client.query('set local role telemetry_analyst');
    for (const { name } of views) await client.query(`select * from ${name} limit 1`);
    for (const question of questions)
      expect((await client.query(question)).fields.length).toBeGreaterThan(1);
    const readable = views.map(({ name }) => name);
    expect(await allowed(client, 'select')).toEqual(readable);
    for (const change of ['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) {
      expect([change, await allowed(client, change)]).toEqual([change, []]);
    }
    const { rows: further } = await client.query(`
      select relname as name from pg_class
      where case when relkind = 'S' then has_sequence_privilege(oid, 'usage, select, update') end
      union all select proname from pg_proc
      where prosecdef and pronamespace = 'public'::regnamespace`);
    expect(further).toEqual([]);
  } finally {
    // Roles are everybody's: it is gone with the transaction.
    await client.query('rollback');
    client.release();
  }
});

/** Tables, views and partitions that whoever asks may do something with. */
async function allowed(client: pg.PoolClient, what: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
       and has_table_privilege(oid, $1) order by 1`,
    [what],
  );
  return rows.map(({ name }) => name);
}

it('quantiles in SQL are those of the rows', async () => {
  const [quantile] = await telemetry.database.rows<{ sketch: number; exact: number }>(`
    select telemetry_sketch_quantile(telemetry_sketch_merge(array[telemetry_sketch_key(value)], '{1}'),
        0.9, min(value), max(value)) as sketch,
      (array_agg(value order by value))[floor(0.9 * (count(*) - 1))::int + 1] as exact
    from telemetry_events where value is not null`);
  const { sketch, exact } = quantile as { sketch: number; exact: number };
  expect(Math.abs(sketch / exact - 1)).toBeLessThan(0.0101);
});
