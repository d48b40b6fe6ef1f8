import { type DescMethod, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { restJson } from '../../src/query/rest/rest-json.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { insertRandom, randomOf, sendRandom } from './random-records.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
  await sendRandom(telemetry.baseUrl, randomOf(4), 40);
  await insertRandom(telemetry.database, randomOf(5), 60, 5);
}, 60_000);
afterAll(() => telemetry.stop());

const transports = () => {
  const { baseUrl } = telemetry;
  return {
    'Connect in JSON': createConnectTransport({
      baseUrl,
      httpVersion: '1.1',
      useBinaryFormat: false,
    }),
    'Connect in binary': createConnectTransport({ baseUrl, httpVersion: '2' }),
    "Connect's GET": createConnectTransport({ baseUrl, httpVersion: '1.1', useHttpGet: true }),
    gRPC: createGrpcTransport({ baseUrl }),
    'gRPC-Web': createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  };
};

/** What has a REST name, and a question of it that answers the same as long as nothing is stored. */
const end = new Date(Date.now() - 60_000).toISOString();
const range = { hours: 100, endTime: end };
const asked: Readonly<Record<string, [name: string, request: object, query: string]>> = {
  listEvents: ['events', { range, pageSize: 7 }, `limit=7`],
  listUsage: ['usage/records', { range, pageSize: 7 }, `limit=7`],
  getStats: ['stats', { range, groupBy: ['component'] }, 'group_by=component'],
  getTimeSeries: ['timeseries', { range, width: '1d' }, 'width=1d'],
  getUsageSummary: ['usage/summary', { range, compareBefore: true }, 'compare_before=true'],
  explainUsage: ['usage/explain', {}, ''],
  getTrends: ['trends', { eventType: 'LOAD', days: 7 }, 'event_type=LOAD&days=7'],
  getFootprint: ['footprint', {}, ''],
  listDimensions: [
    'dimensions',
    { range, dimensions: ['component', 'model'] },
    'dimensions=component,model',
  ],
  getService: ['service', {}, ''],
};
/** Of these each answer is of another moment: that all of its fields are there is what is alike. */
const moving = ['getFootprint', 'getService'];

/** When something was seen is known to the moment by rows, and by quarter hours, hours and days later. */
const byDay = (name: string, value: unknown): unknown =>
  name === 'last_seen_at' ? String(value).slice(0, 10) : value;

it.each(Object.keys(asked))(
  '%s answers the same by every protocol and by its REST name',
  async (method) => {
    const [name, request, query] = asked[method] as (typeof asked)[string];
    const desc = QueryService.methods.find(({ localName }) => localName === method) as DescMethod;
    const id = await telemetry.database.rows<{ id: string }>('select id from usage_stats limit 1');
    const own = method === 'explainUsage' ? { id: id[0]?.id } : {};
    const shown = (json: unknown) => {
      const told = JSON.parse(JSON.stringify(json), byDay) as Record<string, unknown>;
      const { source: _, usage_source: __, as_of: ___, ...rest } = told;
      return moving.includes(method) ? Object.keys(rest).sort() : rest;
    };
    const found = new Map<string, unknown>();
    for (const [how, transport] of Object.entries(transports())) {
      const client = createClient(QueryService, transport) as never as Record<
        string,
        (request: object) => Promise<never>
      >;
      const answer = await client[method]?.({ ...fromJsonRange(request), ...own });
      const copy = fromBinary(desc.output, toBinary(desc.output, answer as never));
      expect(toJson(desc.output, copy)).toEqual(toJson(desc.output, answer as never));
      found.set(how, shown(restJson(desc.output, answer as never)));
    }
    const [first] = found.values();
    for (const [how, answer] of found) expect([how, answer]).toEqual([how, first]);
    const parameters = new URLSearchParams(query);
    if (JSON.stringify(request).includes('endTime')) {
      parameters.set('hours', '100');
      parameters.set('end_time', end);
    }
    for (const [key, value] of Object.entries(own)) parameters.set(key, value as string);
    const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/${name}?${parameters}`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([
      200,
      expect.stringContaining('private'),
    ]);
    const body = await response.json();
    if (!Array.isArray(body)) expect(shown(body)).toEqual(first);
    else expect(body.map((each) => each.id)).toEqual(idsOf(first));
  },
);

/** Of the messages of a page. */
const idsOf = (page: unknown): string[] => {
  const { events, records } = page as Record<string, { id?: string; usage?: { id: string } }[]>;
  return (events ?? records ?? []).map(({ id, usage }) => (id ?? usage?.id) as string);
};

function fromJsonRange(request: object): object {
  const { range: given, ...rest } = request as { range?: typeof range };
  if (!given) return rest;
  const ms = Date.parse(given.endTime);
  const endTime = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
  return { ...rest, range: { hours: given.hours, endTime } };
}

it('has every method but Tail, which is a stream', () => {
  const names = QueryService.methods.filter(({ methodKind }) => methodKind === 'unary');
  expect(Object.keys(asked).sort()).toEqual(names.map(({ localName }) => localName).sort());
});
