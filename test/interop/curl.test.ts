import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { startJammedCollector, tooMuchForJammedBytes } from '../support/jammed-collector.ts';
import { curl } from './curl.ts';

let telemetry: TestCollector;
let jammed: TestCollector;
beforeAll(async () => {
  [telemetry, jammed] = await Promise.all([startCollector(), startJammedCollector()]);
});
afterAll(() => Promise.all([telemetry.stop(), jammed.stop()]));

const service = '/gravitas.telemetry.v1.IngestService';
const dialects = [
  { name: 'REST', log: '/v1/telemetry/log', batch: '/v1/telemetry/batch' },
  { name: 'Connect', log: `${service}/Log`, batch: `${service}/LogBatch` },
].flatMap((dialect) => [
  { ...dialect, flag: '--http1.1', httpVersion: '1.1' },
  { ...dialect, flag: '--http2-prior-knowledge', httpVersion: '2' },
]);

describe.each(dialects)('curl $flag, $name', ({ name, flag, httpVersion, log, batch }) => {
  const component = `${name} ${flag}`;
  const post = (path: string, body: unknown, to = telemetry) =>
    curl([flag, to.baseUrl + path], body);

  it('stores an event', async () => {
    const event = {
      event_type: 'CURL',
      component,
      value: 12.5,
      metadata: { gpu: 0 },
      status: 'OK',
    };
    const answer = await post(log, event);
    expect(answer).toMatchObject({ status: 200, httpVersion, body: { success: true } });
    const select = 'select * from system_telemetry where id = $1';
    expect(await telemetry.database.rows(select, [answer.body.id])).toMatchObject([event]);
  });

  it('stores a batch once, without its bad records', async () => {
    const request = {
      batch_id: uuidv7(),
      events: [{ event_type: 'CURLED', component }, { component }],
      usage: [{ model: component, layer: 'L1', input_tokens: 5 }, 'not an object'],
    };
    const body = {
      batch_id: request.batch_id,
      durability: 'DURABILITY_COMMITTED',
      events: 1,
      usage: 1,
      rejected: 2,
      rejections: [
        { kind: 'KIND_EVENT', index: 1, field: 'event_type', reason: 'is required' },
        { kind: 'KIND_USAGE', index: 1, field: '', reason: 'is not a JSON object' },
      ],
    };
    const first = await post(batch, request);
    expect(first).toMatchObject({ status: 200, body: { ...body, duplicate: false } });
    const second = await post(batch, request);
    expect(second).toMatchObject({ status: 200, body: { ...body, duplicate: true } });
    const count = `select count(*) from usage_stats where model = '${component}'`;
    expect(await telemetry.database.count(count)).toBe(1);
    const other = await post(batch, { ...request, usage: [] });
    expect(other).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  it('names the field at fault', async () => {
    expect(await post(log, { event_type: null, component })).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_argument',
        message: 'event_type is required',
        details: [{ type: 'google.rpc.BadRequest' }, { type: 'google.rpc.RequestInfo' }],
      },
    });
  });

  it('is told when to try again', async () => {
    const retry = {
      headers: { 'retry-after': ['1'] },
      body: { details: [{ type: 'google.rpc.RetryInfo' }, { type: 'google.rpc.RequestInfo' }] },
    };
    const unavailable = await post(log, { event_type: 'HELD' }, jammed);
    expect(unavailable).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(unavailable).toMatchObject(retry);
    const metadata = { text: 'x'.repeat(tooMuchForJammedBytes / 6) };
    const events = Array.from({ length: 6 }, () => ({ event_type: 'HELD', metadata }));
    const exhausted = await post(batch, { events }, jammed);
    expect(exhausted).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
    expect(exhausted).toMatchObject(retry);
  });
});

describe.each(['--http1.1', '--http2-prior-knowledge'])('curl %s', (flag) => {
  it('reads events by the REST name and by Connect, posted and by GET', async () => {
    const component = `read ${flag}`;
    const event = { event_type: 'READ', component, value: 1 };
    await curl([flag, `${telemetry.baseUrl}/v1/telemetry/log`], event);
    const get = (url: string, ...parameters: string[]) =>
      curl([flag, '--get', ...parameters.flatMap((p) => ['--data-urlencode', p]), url]);
    const byRest = await get(`${telemetry.baseUrl}/v1/telemetry/events`, `component=${component}`);
    expect(byRest).toMatchObject({ status: 200, body: [event] });
    const method = `${telemetry.baseUrl}/gravitas.telemetry.v1.QueryService/ListEvents`;
    const posted = await curl([flag, method], { component });
    expect(posted).toMatchObject({ status: 200, body: { events: [event] } });
    const byGet = await get(method, 'encoding=json', `message=${JSON.stringify({ component })}`);
    expect(byGet).toMatchObject({ status: 200, body: { events: [event] } });
  });

  it('reads health', async () => {
    const body = { status: 'healthy', service: 'gravitas-telemetry', database: true };
    expect(await curl([flag, `${telemetry.baseUrl}/health`])).toMatchObject({ status: 200, body });
    const check = `${telemetry.baseUrl}/grpc.health.v1.Health/Check`;
    expect(await curl([flag, check], {})).toMatchObject({ body: { status: 'SERVING' } });
  });
});
