import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { QueryService } from '../gen/gravitas/telemetry/v1/query_pb.js';
import { QueryError, type TailRecord, Telemetry } from '../src/index.ts';

/** Every question of the service, in plain types. */
let collector: TestCollector;
let telemetry: Telemetry;
let directory: ReturnType<typeof temporaryDirectory>;
const component = 'asked';
const filter = { components: [component] };
const usageFilter = { models: [component] };

beforeAll(async () => {
  collector = await startCollector();
  directory = temporaryDirectory();
  telemetry = new Telemetry({ url: collector.baseUrl, spoolDirectory: directory.path });
  for (let value = 0; value < 4; value += 1) {
    const status = value ? 'OK' : 'ERROR';
    telemetry.log('ASKED', { component, value, status, metadata: { gpu: value % 2 } });
  }
  telemetry.logUsage(component, 'L1', 10, 5, 100, { provider: 'openai', responseId: 'r-1' });
  telemetry.logUsage(component, 'L2', 1, 2, 300, { metadata: { a: 1 } });
  expect(await telemetry.flush(30)).toMatchObject({ delivered: 6 });
});
afterAll(async () => {
  await telemetry.close();
  await collector.stop();
  directory.remove();
});

it('there is a method for each of the service', () => {
  const methods = Object.keys(QueryService.method) as (keyof typeof QueryService.method)[];
  expect(methods.length).toBeGreaterThan(10);
  for (const name of methods) expect(telemetry[name], name).toBeTypeOf('function');
});

describe('questions about events', () => {
  it('list them by a filter', async () => {
    const page = await telemetry.listEvents({
      filter: { ...filter, metadata: { gpu: 1 } },
      order: 'oldest',
      range: { startTime: new Date(Date.now() - 3_600_000) },
    });
    expect(page.events.map(({ value }) => value)).toEqual([1, 3]);
    expect(page.source?.kind).toBe('rows');
    expect(page.observedAt[0]).toBeInstanceOf(Date);
    const [first] = page.events;
    expect((await telemetry.listEvents({ id: first?.id })).events).toEqual([first]);
  });

  it('add them up, by group and over time', async () => {
    const stats = await telemetry.getStats({ filter, groupBy: ['status'], histogramBuckets: 2 });
    const counts = stats.groups.map(({ group, statistics }) => [group.status, statistics?.count]);
    expect(counts.toSorted()).toEqual([
      ['ERROR', 1],
      ['OK', 3],
    ]);
    expect(stats.total).toMatchObject({ count: 4, sum: 6, notOk: 1 });
    expect(stats.histogram?.buckets[0]?.from).toBe(0);
    const range = { hours: 2 };
    const series = await telemetry.getTimeSeries({ filter, range, width: '1h' });
    const points = series.series[0]?.points.map(({ statistics }) => statistics?.count ?? 0) ?? [];
    expect(points.reduce((sum, count) => sum + count, 0)).toBe(4);
    const trends = await telemetry.getTrends({ component, eventType: 'ASKED', quantiles: true });
    expect(trends.modelTrends[0]).toMatchObject({ measurementCount: 4, p50: expect.any(Number) });
  });
});

it('questions about usage', async () => {
  const { records } = await telemetry.listUsage({ filter: usageFilter, order: 'oldest' });
  expect(records.map(({ usage }) => usage?.inputTokens)).toEqual([10, 1]);
  expect(records[1]?.usage?.metadata).toEqual({ a: 1 });
  const summary = await telemetry.getUsageSummary({
    filter: usageFilter,
    groupBy: ['layer'],
    width: '1d',
    range: { period: 'day' },
    compareBefore: true,
  });
  expect(summary.groups.map(({ group }) => group.layer).toSorted()).toEqual(['L1', 'L2']);
  expect(summary.total).toMatchObject({ totalTokens: 18, durationMs: { max: 300 } });
  const { id = '', timestamp } = records[0]?.usage ?? {};
  expect(await telemetry.explainUsage({ id, time: timestamp })).toMatchObject({
    model: component,
    timestamp,
  });
});

it('questions about the service', async () => {
  const { dimensions } = await telemetry.listDimensions({ dimensions: ['model'], prefix: 'ask' });
  expect(dimensions[0]?.values[0]?.value).toBe(component);
  expect((await telemetry.getService()).collectors[0]).toMatchObject({ answering: true });
  expect((await telemetry.getFootprint()).databaseBytes).toBeGreaterThan(0);
});

describe('tail', () => {
  it('tells what is there and what comes, until it is left', async () => {
    const found: TailRecord[] = [];
    const kinds = ['event', 'usage'];
    for await (const { records } of telemetry.tail({ kinds, filter, usageFilter, recent: 10 })) {
      found.push(...records);
      if (found.length === 6) telemetry.log('ASKED', { component, value: 7 });
      if (found.length === 7) break;
    }
    expect(found.filter(({ usage }) => usage).length).toBe(2);
    expect(found[6]?.event).toMatchObject({ value: 7, timestamp: expect.any(Date) });
    expect(found[6]?.observedAt).toBeInstanceOf(Date);
  });

  it('ends when it is aborted', async () => {
    const abort = new AbortController();
    for await (const _ of telemetry.tail({ filter, recent: 1, signal: abort.signal }))
      abort.abort();
    for await (const _ of telemetry.tail({ signal: abort.signal })) expect.unreachable();
  });

  it.each([
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
    { status: 502, body: '<html>' },
    ...[
      '',
      '\0\0\0\0\u0005half',
      '\0\u007f\u007f\u007f\u007f',
      '\u0002\0\0\0\u0002[',
      '\0\0\0\0\u0001\u007f',
    ].map((body) => ({
      status: 200,
      headers: { 'content-type': 'application/connect+proto' },
      body,
    })),
  ])('of what is no stream is a QueryError, case %#', async (answer) => {
    const server = http.createServer((_, response) =>
      response.writeHead(answer.status, answer.headers).end(answer.body),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new Telemetry({ url: `http://127.0.0.1:${port}` });
    await expect(client.tail().next()).rejects.toThrow(QueryError);
    await client.close();
    server.closeAllConnections();
    server.close();
  });
});

it.each<[string, () => Promise<unknown>]>([
  ['a width', () => telemetry.getTimeSeries({ width: '1 fortnight' })],
  ['a kind', () => telemetry.tail({ kinds: ['pigeon'] }).next()],
])('what the service does not understand has its code: %s', async (_, ask) => {
  await expect(ask()).rejects.toMatchObject({ name: 'QueryError', code: 'invalid_argument' });
});

it('what is wrong with a question is a QueryError', async () => {
  const pageSize = 'ten' as unknown as number;
  await expect(telemetry.listEvents({ pageSize })).rejects.toThrow(QueryError);
});
