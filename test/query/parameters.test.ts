import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
  await telemetry.database.rows(`
    insert into system_telemetry (event_type, component, metadata) values
      ('EVEN', 'L1', '{"n": 9007199254740992}'), ('ODD', null, '{"n": 9007199254740993}'),
      ('NULL', 'L1', '{"n": null}'), ('HUGE', 'L1', '{"n": 1e400}')`);
});
afterAll(() => telemetry.stop());

const get = (path: string) => getJson(`${telemetry.baseUrl}/v1/telemetry/${path}`);
const typesOf = async (query: string): Promise<string[]> =>
  (await get(`events?${query}`)).body.map(({ event_type }: { event_type: string }) => event_type);

describe('metadata', () => {
  it.each([
    ['9007199254740992', 'EVEN'],
    ['9007199254740993', 'ODD'],
    ['1e400', 'HUGE'],
    ['null', 'NULL'],
  ])('is looked for digit by digit: %s', async (number, type) => {
    expect(await typesOf(`metadata={"n":${number}}`)).toEqual([type]);
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN])('that is %s is not taken for null', async (n) => {
    const transport = createGrpcTransport({ baseUrl: telemetry.baseUrl });
    const asked = createClient(QueryService, transport).listEvents({
      filter: { metadata: { in: [{ n }] } },
    });
    const error = ConnectError.from(await asked.catch((reason: unknown) => reason));
    expect([error.code, error.rawMessage]).toEqual([
      Code.InvalidArgument,
      expect.stringMatching(/^metadata contains (NaN|Infinity)/),
    ]);
  });
});

it.each(['components=', 'filter.components='])(
  '%s stands for those that have none',
  async (query) => {
    expect(await typesOf(query)).toEqual(['ODD']);
  },
);

it.each([
  ['stats', 'hours=1&hours=2', 'hours'],
  ['timeseries', 'time_zone=UTC&timeZone=Europe/Berlin', 'timeZone'],
  ['events', 'limit=1&limit=2', 'limit'],
  ['usage/records', 'limit=1&limit=2', 'limit'],
  ['events', 'format=csv&format=json', 'format'],
])('%s?%s is refused: nobody can tell which one is meant', async (path, query, field) => {
  const { status, body } = await get(`${path}?${query}`);
  expect([status, body]).toMatchObject([400, { field, message: `${field} is given twice` }]);
});

it('the next page has the form of this one', async () => {
  const url = `${telemetry.baseUrl}/v1/telemetry/events?order=oldest&limit=2&format=csv&pageToken=`;
  const first = await fetch(url);
  const [, address] = /<(.*)>/.exec(first.headers.get('link') ?? '') ?? [];
  const second = await fetch(new URL(address ?? '', url));
  const linesOf = async (answer: Response) => (await answer.text()).trim().split('\r\n');
  const [pages, all] = [[...(await linesOf(first)), ...(await linesOf(second)).slice(1)], 5];
  expect(pages).toHaveLength(all);
  expect(new Set(pages).size).toBe(all);
});

it('a table has the same columns where it has no rows', async () => {
  const url = `${telemetry.baseUrl}/v1/telemetry/usage/summary?format=csv`;
  const head = async () => (await (await fetch(url)).text()).split('\r\n')[0];
  const empty = await head();
  await telemetry.database.rows(`insert into usage_stats (model) values ('m')`);
  expect(await head()).toBe(empty);
});

it('names in metadata, too, say of which moment they are', async () => {
  const { body } = await get('dimensions?dimensions=metadata');
  expect(body.source).toMatchObject({ kind: 'rows', as_of: expect.any(String) });
});

it.each([
  '/v1/telemetry/trends',
  '/gravitas.telemetry.v1.QueryService/GetTrends?connect=v1&encoding=json&message={}',
])('what may be kept is kept for one key alone: %s', async (path) => {
  const { headers } = await fetch(telemetry.baseUrl + path);
  expect(headers.get('cache-control')).toContain('max-age');
  expect(headers.get('vary')).toMatch(/authorization, x-api-key/);
});

it('counts are told digit by digit, however large', async () => {
  const most = '9223372036854775807';
  await telemetry.database.rows(
    `insert into usage_stats (model, prompt_tokens) values ('most', ${most})`,
  );
  const url = `${telemetry.baseUrl}/v1/telemetry/usage/records?model=most`;
  for (const form of ['json', 'ndjson', 'csv']) {
    expect(await (await fetch(`${url}&format=${form}`)).text()).toContain(most);
  }
  const transport = createGrpcTransport({ baseUrl: telemetry.baseUrl });
  const { records } = await createClient(QueryService, transport).listUsage({
    filter: { models: ['most'] },
  });
  expect(records[0]?.usage?.inputTokens).toBe(BigInt(most));
});

it.each(['newest', 'oldest'])('pages are messages that clients of gRPC take: %s', async (order) => {
  const large = `jsonb_build_object('a', (select jsonb_agg(0) from generate_series(1, 9000)))`;
  await telemetry.database.rows(`
    delete from system_telemetry where component = 'large'; delete from usage_stats where model = 'large';
    insert into system_telemetry (event_type, component, metadata)
      select 'LARGE', 'large', ${large} from generate_series(1, 100);
    insert into usage_stats (model, metadata) select 'large', ${large} from generate_series(1, 100)`);
  const transport = createGrpcTransport({
    baseUrl: telemetry.baseUrl,
    readMaxBytes: 4 * 1024 * 1024,
  });
  const client = createClient(QueryService, transport);
  const events = async (pageToken: string) => {
    const page = await client.listEvents({ component: 'large', order, pageToken });
    expect(page.observedAt).toHaveLength(page.events.length);
    return [page.events.map(({ id }) => id), page.nextPageToken] as const;
  };
  const usage = async (pageToken: string) => {
    const page = await client.listUsage({ filter: { models: ['large'] }, order, pageToken });
    return [page.records.map((record) => record.usage?.id), page.nextPageToken] as const;
  };
  for (const ask of [events, usage]) {
    const ids = new Set<unknown>();
    let [found, next] = await ask('');
    for (const id of found) ids.add(id);
    while (next !== '') {
      [found, next] = await ask(next);
      for (const id of found) ids.add(id);
    }
    expect(ids.size).toBe(100);
  }
});
