import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';
import { insertEvents } from '../support/seed.ts';

const paths = ['events?limit=1000', 'stats', 'usage/summary', 'trends', 'footprint'];

describe('rows that others have written', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const get = async (path: string) => {
    const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${path}`);
    expect({ path, status, message: body.message }).toEqual({ path, status: 200 });
    return body;
  };

  it('by the inserts of the older services come back', async () => {
    const { database } = telemetry;
    await database.rows(
      `insert into system_telemetry (event_type, component, value, metadata, status)
       values ('VRAM_CHECK', 'L1', 12.5, '{"gpu_id": 0}', 'OK')`,
    );
    // A time without zone, as datetime.utcnow() gives it.
    await database.rows(
      `insert into system_telemetry (event_type, component, value, metadata, status, "timestamp")
       values ('THOUGHT_LATENCY', 'gemma', 8, '{"tokens_generated": 5, "total_tokens": 6}', 'OK',
         (now() at time zone current_setting('TimeZone'))::timestamp - interval '1 hour')`,
    );
    const insertUsage = (columns: string, values: string) =>
      database.rows(
        `insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms${columns})
         values ('gpt', 'L2', 10, 5, 100${values})`,
      );
    await insertUsage('', '');
    await insertUsage(', "timestamp"', ', localtimestamp');

    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    const timestamp = expect.stringMatching(/\+00:00$/);
    expect(await get('events')).toEqual([
      {
        id,
        timestamp,
        event_type: 'VRAM_CHECK',
        component: 'L1',
        value: 12.5,
        metadata: { gpu_id: 0 },
        status: 'OK',
      },
      expect.objectContaining({ event_type: 'THOUGHT_LATENCY', component: 'gemma', value: 8 }),
    ]);
    expect(await get('events?hours=0.5')).toHaveLength(1);
    expect(await get('stats')).toMatchObject({ measurement_count: 1, total_tokens: 5 });
    expect(await get('trends')).toMatchObject({ overall: { total_measurements: 1 } });
    expect(await get('usage/summary')).toMatchObject({
      requests: 2,
      input_tokens: 20,
      output_tokens: 10,
      l2_tokens: 30,
      avg_duration_ms: 100,
    });
  });

  it('and no protocol would have taken break no query', async () => {
    const { database } = telemetry;
    const event = { event_type: 'THOUGHT_LATENCY', component: 'odd' };
    const metadata = [null, 7, 'text', true, [1, { a: 2 }], {}, { tokens_generated: 'many' }];
    await insertEvents(database, [
      ...metadata.map((value) => ({ ...event, metadata: value })),
      ...['NaN', 'Infinity', '-Infinity'].map((value) => ({ ...event, value })),
      ...['infinity', '-infinity', '0044-03-15 BC', '9999-12-31', '20000-01-01'].map(
        (timestamp) => ({ ...event, timestamp }),
      ),
      { ...event, component: '', value: 3 },
    ]);
    await database.rows(`
      insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms, cost_usd)
      values
        (null, null, null, null, null, null), ('odd', 'L2', -5, 1, 'NaN', 'NaN'),
        ('odd', 'L2', 1, 1, 'Infinity', 'Infinity'), ('odd', 'L2', 1, 1, '-Infinity', '-Infinity')`);
    await database.rows(`
      insert into usage_stats (model, "timestamp") values ('odd', 'infinity'), ('odd', '-infinity')`);
    for (const path of paths) await get(path);
    const events = await get('events?limit=1000&component=odd');
    const shown = events.map((row: { metadata: unknown }) => row.metadata);
    for (const value of [7, 'text', true, [1, { a: 2 }]]) expect(shown).toContainEqual({ value });
    // Page by page, past each of them.
    let next = `${telemetry.baseUrl}/v1/telemetry/events?limit=1`;
    for (let page = 0; page < 100 && next; page++) {
      const { status, headers } = await getJson(next);
      expect(status).toBe(200);
      const following = headers.get('link')?.match(/<(.+)>/)?.[1];
      next = following ? new URL(following, next).href : '';
    }
    expect(next).toBe('');
    expect(await get('usage/summary?model=odd')).toMatchObject({ requests: 3, cost_usd: 0 });
  });

  it('with numbers that JavaScript has not come back digit by digit', async () => {
    const { database, baseUrl } = telemetry;
    const written =
      '{"a": 1e400, "b": [-1e400, 9007199254740993, 0.1234567890123456789], "c": 24.0, "d": 1, "e": "1e400"}';
    await database.rows(
      `insert into system_telemetry (event_type, component, metadata)
       values ('BIG', 'big', $1::jsonb), ('BIG', 'big', '1e400'), ('BIG', 'big', '[-1e400]')`,
      [written],
    );
    for (const path of paths) await get(path);
    const answer = await fetch(`${baseUrl}/v1/telemetry/events?component=big`);
    const text = await answer.text();
    const huge = `1${'0'.repeat(400)}`;
    const exact = `{"a":${huge},"b":[-${huge},9007199254740993,0.1234567890123456789],"c":24.0,"d":1,"e":"1e400"}`;
    expect(text).toContain(`"metadata":${exact}`);
    expect(text).toContain(`"metadata":{"value":${huge}}`);
    expect(JSON.parse(text)).toHaveLength(3);

    for (const useBinaryFormat of [true, false]) {
      const transport = createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat });
      const query = createClient(QueryService, transport);
      const { events } = await query.listEvents({ component: 'big' });
      const shown = events.map(({ metadata }) => metadata);
      expect(shown).toContainEqual({
        a: huge,
        b: [`-${huge}`, 9007199254740992, 0.12345678901234568],
        c: 24,
        d: 1,
        e: '1e400',
      });
      expect(shown).toContainEqual({ value: [`-${huge}`] });
    }
  });

  it('with numbers at the end of their range break no query', async () => {
    const { database } = telemetry;
    const most = Number.MAX_VALUE;
    const values = [most, most, -most, Number.MIN_VALUE];
    const tokens = { tokens_generated: 1e300, total_tokens: -1e300 };
    await insertEvents(
      database,
      values.map((value) => ({
        event_type: 'THOUGHT_LATENCY',
        component: 'extreme',
        value,
        metadata: tokens,
      })),
    );
    const bigint = '9223372036854775807';
    await database.rows(`
      insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms, cost_usd)
      select 'extreme', 'L2', ${bigint}, ${bigint}, 1.7e308, 1e400 from generate_series(1, 2)`);
    for (const path of paths) await get(path);
    expect(await get('stats?component=extreme')).toMatchObject({
      measurement_count: 4,
      best_efficiency: -most,
      worst_efficiency: most,
      avg_efficiency_score: expect.closeTo(most / 4, -300),
    });
  });
});
