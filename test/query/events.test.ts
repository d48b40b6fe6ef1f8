import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { insertEvents } from '../support/seed.ts';

const hourMs = 3_600_000;

describe('events', () => {
  let telemetry: TestCollector;
  let query: ReturnType<typeof createClient<typeof QueryService>>;
  const now = Date.now();
  const ago = (hours: number) => new Date(now - hours * hourMs);

  beforeAll(async () => {
    telemetry = await startCollector();
    const { baseUrl } = telemetry;
    query = createClient(QueryService, createConnectTransport({ baseUrl, httpVersion: '2' }));
    const event = { event_type: 'CHECK', component: 'L1', status: 'OK' };
    await insertEvents(telemetry.database, [
      { ...event, value: 1, timestamp: ago(1).toISOString() },
      { ...event, value: 2, timestamp: ago(2).toISOString(), component: 'L2' },
      { ...event, value: 3, timestamp: ago(3).toISOString(), event_type: 'LATENCY' },
      { ...event, value: 4, timestamp: ago(4).toISOString(), status: 'ERROR' },
      { ...event, value: 5, timestamp: ago(500).toISOString() },
    ]);
  });
  afterAll(() => telemetry.stop());

  const rest = (parameters: string) =>
    getJson(`${telemetry.baseUrl}/v1/telemetry/events?${parameters}`);
  const valuesOf = (events: readonly { value?: number | undefined }[]) =>
    events.map(({ value }) => value);

  it('say which is the newest of all up to now, whichever of them are listed', async () => {
    const ahead = { event_type: 'AHEAD', timestamp: new Date(now + hourMs / 2).toISOString() };
    await insertEvents(telemetry.database, [ahead]);
    for (const request of [
      {},
      { pageSize: 1 },
      { pageSize: 2 },
      { component: 'L2' },
      { order: 'oldest' },
      { filter: { statuses: ['ERROR'] } },
      { range: { endTime: timestampFromDate(ago(2)) } },
      { range: { hours: 1.5 } },
    ]) {
      const { source } = await query.listEvents(request);
      expect({ request, freshestAt: source?.freshestAt }).toEqual({
        request,
        freshestAt: timestampFromDate(ago(1)),
      });
    }
    await telemetry.database.rows(`delete from system_telemetry where event_type = 'AHEAD'`);
  });

  it('are filtered, by each field alone and together, newest first', async () => {
    const start = encodeURIComponent(ago(3).toISOString());
    const end = encodeURIComponent(ago(1).toISOString());
    const expectations: Record<string, number[]> = {
      '': [1, 2, 3, 4, 5],
      'component=L1': [1, 3, 4, 5],
      'event_type=LATENCY': [3],
      'status=ERROR': [4],
      'hours=2.5': [1, 2],
      // Not before the start, before the end.
      [`start_time=${start}`]: [1, 2, 3],
      [`end_time=${start}`]: [4, 5],
      [`start_time=${start}&end_time=${end}`]: [2, 3],
      [`start_time=${start}&hours=2.5`]: [1, 2],
      [`start_time=${end}&hours=10`]: [1],
      'component=L1&event_type=CHECK&status=OK&hours=24': [1],
      'component=L9': [],
      'limit=2': [1, 2],
      'page_size=1&component=&event_type=&status=&hours=&start_time=&end_time=': [1],
    };
    for (const [parameters, expected] of Object.entries(expectations)) {
      const { status, body } = await rest(parameters);
      expect({ parameters, status, values: valuesOf(body) }).toEqual({
        parameters,
        status: 200,
        values: expected,
      });
    }
  });

  it('are filtered the same by QueryService', async () => {
    const expectations = [
      [{ component: 'L1', eventType: 'CHECK' }, [1, 4, 5]],
      [{ status: 'ERROR', hours: 24 }, [4]],
      [{ startTime: timestampFromDate(ago(3)), endTime: timestampFromDate(ago(1)) }, [2, 3]],
    ] as const;
    for (const [request, expected] of expectations) {
      expect(valuesOf((await query.listEvents(request)).events)).toEqual(expected);
    }
  });

  it('name the parameter that is wrong', async () => {
    const wrong = {
      hours: ['-1', 'x', 'Infinity', 'NaN', ' ', '0x10', ' 5 ', '0b1'],
      limit: ['0.5', '-1', 'ten', '1e400', '0x10', ' 5', '5 '],
      page_size: ['1.5', '-3', '0o7'],
      start_time: ['yesterday', '1', '2026', '2026-11-01', '2026-13-01T00:00:00Z'],
      end_time: ['x', '2026-11-23T25:00:00Z', '2026-09-31T10:00:00Z', '2026-11-23T10:00:00'],
      page_token: ['x', 'MQ', Buffer.from('1/x').toString('base64url')],
      component: ['\0'],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const { status, body } = await rest(new URLSearchParams({ [name]: value }).toString());
        expect({ value, status, ...body }).toMatchObject({
          value,
          status: 400,
          code: 'invalid_argument',
          message: expect.stringContaining(name),
          field: name,
        });
      }
    }
  });

  it('take of a deployed client what they can, and never refuse it for more', async () => {
    for (const parameters of [
      'limit=1001',
      'limit=1000000',
      'hours=1e9',
      'colour=red',
      'limit=&x=',
    ]) {
      const { status, body } = await rest(parameters);
      expect([parameters, status, valuesOf(body).length > 0]).toEqual([parameters, 200, true]);
    }
    const url = `${telemetry.baseUrl}/v1/telemetry/stats?hours=1e9&colour=red`;
    expect((await getJson(url)).status).toBe(200);
  });
});

describe('fields of a query in JSON', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const listEvents = 'QueryService/ListEvents';
  const ask = async (message: object | string, by: 'GET' | 'POST', method = listEvents) => {
    const path = `/gravitas.telemetry.v1.${method}`;
    const json = typeof message === 'string' ? message : JSON.stringify(message);
    if (by === 'POST') return await postJson(telemetry.baseUrl + path, json);
    const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: json });
    return await getJson(`${telemetry.baseUrl}${path}?${query}`);
  };

  it.each([
    ['startTime', 'start_time', '2026-09-31T10:00:00Z'],
    ['start_time', 'start_time', '2026-02-30T10:00:00Z'],
    ['endTime', 'end_time', '2026-01-01T23:59:60Z'],
    ['end_time', 'end_time', '2026-01-01'],
    ['endTime', 'end_time', 'yesterday'],
  ])('are rejected by name where they are no times: %s', async (name, field, time) => {
    for (const by of ['POST', 'GET'] as const) {
      expect(await ask({ [name]: time }, by)).toMatchObject({
        status: 400,
        body: { code: 'invalid_argument', field, message: expect.stringContaining(`"${time}"`) },
      });
      const fine = { [name]: '2026-01-31T10:00:00.123456789+01:00' };
      expect(await ask(fine, by)).toMatchObject({ status: 200 });
    }
  });

  it.each([
    ['start_time', '{"startTime": 1}'],
    ['end_time', '{"end_time": {"seconds": 1}}'],
    ['end_time', '{"end\\u005ftime": "2026-09-31T10:00:00Z"}'],
  ])('are rejected by name where they are not even texts: %s in %s', async (field, json) => {
    for (const by of ['POST', 'GET'] as const) {
      expect(await ask(json, by)).toMatchObject({ status: 400, body: { field } });
    }
  });

  it.each([
    ['QueryService/ListEvents', 'page_size', 'pageSize'],
    ['QueryService/ListEvents', 'hours', 'hours'],
    ['QueryService/GetStats', 'hours', 'hours'],
    ['QueryService/GetUsageSummary', 'hours', 'hours'],
    ['QueryService/GetTrends', 'days', 'days'],
    ['DeadLetterService/ListDeadLetters', 'limit', 'limit'],
  ])('of %s are rejected where they are no numbers: %s', async (method, field, name) => {
    for (const by of ['POST', 'GET'] as const) {
      for (const value of ['0x10', ' 5 ', '', '+5', '5_0']) {
        expect([value, await ask({ [name]: value }, by, method)]).toMatchObject([
          value,
          { status: 400, body: { field, message: expect.stringContaining('number') } },
        ]);
      }
      expect(await ask({ [name]: '5' }, by, method)).toMatchObject({ status: 200 });
      expect(await ask({ [name]: null }, by, method)).toMatchObject({ status: 200 });
    }
  });

  it.each([
    { seconds: 1n, nanos: -1 },
    { seconds: 1n, nanos: 1_000_000_000 },
    { seconds: 253_402_300_800n, nanos: 0 },
    { seconds: -62_135_596_801n, nanos: 0 },
  ])('are rejected where protobuf holds no time that there is: %s', async (time) => {
    const { baseUrl } = telemetry;
    const transport = createGrpcTransport({ baseUrl });
    const query = createClient(QueryService, transport);
    await expect(query.listEvents({ startTime: time })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: 'start_time is out of range',
    });
  });
});

describe('pages of events', () => {
  let telemetry: TestCollector;
  const types = Array.from({ length: 25 }, (_, index) => `E${index}`);
  beforeAll(async () => {
    telemetry = await startCollector();
    // Five times, five events each, that differ by microseconds.
    const second = new Date(Math.floor(Date.now() / 1000) * 1000 - hourMs).toISOString();
    await insertEvents(
      telemetry.database,
      types.map((event_type, index) => ({
        event_type,
        component: 'a&b=c',
        timestamp: second.replace('.000Z', `.12345${index % 5}Z`),
      })),
    );
  });
  afterAll(() => telemetry.stop());

  it.each([1, 2, 5, 7, 24, 25, 26])('of %i lose and repeat nothing', async (pageSize) => {
    const query = createClient(
      QueryService,
      createConnectTransport({ baseUrl: telemetry.baseUrl, httpVersion: '2' }),
    );
    const seen = [];
    let pageToken = '';
    do {
      const page = await query.listEvents({ pageSize, pageToken, component: 'a&b=c' });
      expect(page.events.length).toBeGreaterThan(0);
      seen.push(...page.events);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen.map(({ eventType }) => eventType).sort()).toEqual(types.toSorted());
    const times = seen.map(({ timestamp }) => timestamp?.nanos ?? 0);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it.each(['', '&format=csv', '&format=ndjson'])(
    'say of themselves in headers: %s',
    async (form) => {
      const { baseUrl } = telemetry;
      for (const [list, name] of [
        ['events', 'limit'],
        ['events', 'page_size'],
        ['usage/records', 'limit'],
      ]) {
        const clamped = await fetch(`${baseUrl}/v1/telemetry/${list}?${name}=5000${form}`);
        expect(Object.fromEntries(clamped.headers)).toMatchObject({
          'telemetry-source': 'rows',
          'telemetry-as-of': expect.stringMatching(/^20\d\d-.*Z$/),
          'telemetry-notes': `${name} is 5000; the most is 1000`,
        });
        // Of usage there is nothing.
        const age = list === 'events' ? expect.stringMatching(/^\d+$/) : null;
        expect(clamped.headers.get('telemetry-age-ms')).toEqual(age);
      }
      const stats = await fetch(`${baseUrl}/v1/telemetry/stats?hours=24&group_by=status${form}`);
      expect(stats.headers.get('telemetry-source')).toMatch(/^rollups/);
      expect(stats.headers.has('telemetry-notes')).toBe(false);
    },
  );

  it('follow the Link header of the REST name', async () => {
    const seen: string[] = [];
    let next: string | undefined =
      `/v1/telemetry/events?limit=4&component=${encodeURIComponent('a&b=c')}`;
    while (next) {
      const url = new URL(next, telemetry.baseUrl);
      const { body, headers } = await getJson(url.href);
      seen.push(...body.map((event: { event_type: string }) => event.event_type));
      const link: string | null = headers.get('link');
      const following = link?.match(/^<(\?[^>]+)>; rel="next"$/)?.[1];
      expect(following === undefined).toBe(link === null);
      next = following && new URL(following, url).href;
    }
    expect(seen.toSorted()).toEqual(types.toSorted());
  });

  it('are not disturbed by events that come meanwhile', async () => {
    const first = await getJson(`${telemetry.baseUrl}/v1/telemetry/events?limit=20`);
    await insertEvents(telemetry.database, [{ event_type: 'NEW' }]);
    const link = first.headers.get('link')?.match(/<(.+)>/)?.[1];
    const second = await getJson(`${telemetry.baseUrl}/v1/telemetry/events${link}`);
    const seen = [...first.body, ...second.body].map(({ event_type }) => event_type);
    expect(seen.toSorted()).toEqual(types.toSorted());
  });
});
