import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listEdition } from '../../src/prices/list.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { onCluster } from '../support/on-cluster.ts';
import { insertEvents } from '../support/seed.ts';

const dayMs = 86_400_000;

describe('usage and footprint', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const get = async (path: string) => {
    const { status, body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/${path}`);
    expect(status).toBe(200);
    return body;
  };

  it('sums usage up, in total and by model and layer', async () => {
    const usage = [
      {
        model: 'gpt',
        layer: 'L2',
        input_tokens: 100,
        output_tokens: 20,
        cached_tokens: 60,
        cache_write_tokens: 30,
        reasoning_tokens: 7,
        duration_ms: 10,
        cost_usd: 0.1,
      },
      {
        model: 'gpt',
        layer: 'L2',
        input_tokens: 1,
        output_tokens: 2,
        duration_ms: 40,
        cost_usd: 0.2,
      },
      { model: 'gpt', layer: 'L1', input_tokens: 5, output_tokens: 5, cached_tokens: 6 },
      { model: 'gemma', layer: 'L1', input_tokens: 50, duration_ms: 1, cost_usd: 0 },
      { model: 'gemma', input_tokens: 3, output_tokens: 0, duration_ms: 9 },
    ];
    const old = {
      model: 'gpt',
      layer: 'L2',
      input_tokens: 1000,
      timestamp: new Date(Date.now() - 2 * dayMs).toISOString(),
    };
    const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, {
      usage: [...usage, old],
    });
    expect(body).toMatchObject({ usage: 6 });
    const parts = {
      cached_tokens: 0,
      cache_write_tokens: 0,
      reasoning_tokens: 0,
      ambiguous: 0,
      unpriced: 0,
      unpriced_tokens: 0,
    };
    // 0.1 and 0.2 are summed as decimals: as floats they make 0.30000000000000004.
    const l2 = {
      requests: 2,
      input_tokens: 101,
      output_tokens: 22,
      total_tokens: 123,
      avg_duration_ms: 25,
      cost_usd: 0.3,
      ...parts,
      cached_tokens: 60,
      cache_write_tokens: 30,
      reasoning_tokens: 7,
    };
    expect(await get('usage/summary')).toMatchObject({
      requests: 5,
      input_tokens: 159,
      output_tokens: 27,
      total_tokens: 186,
      l2_tokens: 123,
      avg_duration_ms: 15,
      cost_usd: 0.3,
      cached_tokens: 66,
      cache_write_tokens: 30,
      reasoning_tokens: 7,
      ambiguous: 1,
      unpriced: 2,
      unpriced_tokens: 13,
      price_list: listEdition,
      own_prices: null,
      time_window_hours: 24,
      breakdown: [
        { model: 'gpt', layer: 'L2', ...l2 },
        {
          model: 'gemma',
          layer: 'L1',
          requests: 1,
          input_tokens: 50,
          output_tokens: 0,
          total_tokens: 50,
          avg_duration_ms: 1,
          cost_usd: 0,
          ...parts,
        },
        {
          model: 'gpt',
          layer: 'L1',
          requests: 1,
          input_tokens: 5,
          output_tokens: 5,
          total_tokens: 10,
          avg_duration_ms: null,
          cost_usd: 0,
          ...parts,
          cached_tokens: 6,
          ambiguous: 1,
          unpriced: 1,
          unpriced_tokens: 10,
        },
        {
          model: 'gemma',
          layer: null,
          requests: 1,
          input_tokens: 3,
          output_tokens: 0,
          total_tokens: 3,
          avg_duration_ms: 9,
          cost_usd: 0,
          ...parts,
          unpriced: 1,
          unpriced_tokens: 3,
        },
      ],
    });
    expect(await get('usage/summary?model=gpt&layer=L2&hours=100')).toMatchObject({
      requests: 3,
      l2_tokens: 1123,
      time_window_hours: 100,
    });
    expect(await get('usage/summary?model=none')).toMatchObject({
      requests: 0,
      total_tokens: 0,
      avg_duration_ms: null,
      cost_usd: 0,
      breakdown: [],
    });
  });

  it('counts rows and sizes of the tables', async () => {
    const oldest = new Date(Date.now() - 20 * dayMs).toISOString();
    await insertEvents(telemetry.database, [
      { event_type: 'OLD', timestamp: oldest },
      { event_type: 'ENDLESS', timestamp: '-infinity' },
    ]);
    const own = 'pg_total_relation_size(inhrelid)';
    const sizeOf = onCluster
      ? `${own} + case when exists (select from pg_dist_partition where logicalrelid = inhrelid)
          then citus_total_relation_size(inhrelid) else 0 end`
      : own;
    const tables = ['system_telemetry', 'usage_stats', 'batch_ledger'];
    const sized = () =>
      telemetry.database.rows<{ total: number; partitions: number }>(
        `select sum(${sizeOf})::float8 as total, count(*)::int as partitions
         from unnest($1::text[]) with ordinality as own (name, place)
           join pg_inherits on inhparent = name::regclass group by place order by place`,
        [tables],
      );
    const before = await sized();
    const { table_sizes, row_counts, oldest_telemetry_record, monitored_at } =
      await get('footprint');
    // A vacuum may make them larger meanwhile, by maps.
    const after = await sized();
    expect(table_sizes.map((size: { table_name: string }) => size.table_name)).toEqual(tables);
    for (const [index, size] of table_sizes.entries()) {
      expect(size.partitions).toBe(before[index]?.partitions);
      expect(size.total_bytes).toBeGreaterThanOrEqual(before[index]?.total ?? Infinity);
      expect(size.total_bytes).toBeLessThanOrEqual(after[index]?.total ?? -Infinity);
      expect(size.index_bytes).toBeGreaterThan(0);
      expect(size.index_bytes).toBeLessThan(size.total_bytes);
    }
    expect(row_counts).toEqual({ system_telemetry: 2, usage_stats: 6, batch_ledger: 1 });
    expect(oldest_telemetry_record).toBe(oldest.replace('Z', '000+00:00'));
    expect(Math.abs(Date.parse(monitored_at) - Date.now())).toBeLessThan(60_000);
  });
});
