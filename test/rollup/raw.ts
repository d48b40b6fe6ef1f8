import type { TestDatabase } from '../support/database.ts';

/** What rolled rows add up to by quarter hour and series: of the rows themselves, and as rolled up. */
export async function compare(
  database: TestDatabase,
): Promise<{ raw: unknown[]; rolled: unknown[] }> {
  const raw = await database.rows(`
    select date_bin('15 minutes', "timestamp", timestamptz '2000-01-01 00:00:00+00') as bucket,
      event_type, component, status, count(*) as events,
      count(*) filter (where value not in ('NaN', 'Infinity', '-Infinity')) as n,
      min(value) filter (where value not in ('NaN', 'Infinity', '-Infinity')) as min,
      max(value) filter (where value not in ('NaN', 'Infinity', '-Infinity')) as max,
      count(*) filter (where value = 'NaN') as nans,
      sum(trunc((metadata->>'tokens_generated')::numeric))
        filter (where jsonb_typeof(metadata->'tokens_generated') = 'number') as tokens_generated,
      sum(trunc((metadata->>'total_tokens')::numeric))
        filter (where jsonb_typeof(metadata->'total_tokens') = 'number') as total_tokens,
      -- Of a series its status says it.
      null as not_ok
    from system_telemetry group by 1, 2, 3, 4 order by 1, 2, 3, 4`);
  return { raw, rolled: await rolledUp(database, 'quarter', 'series') };
}

export async function rolledUp(
  database: TestDatabase,
  level: string,
  margin: string,
): Promise<Record<string, unknown>[]> {
  return await database.rows(`
    select bucket, event_type, component, status, sum(events)::bigint as events, sum(n)::bigint as n,
      min(min) as min, max(max) as max, sum(nans)::bigint as nans,
      sum(tokens_generated) as tokens_generated, sum(total_tokens) as total_tokens,
      case when count(*) = count(not_ok) then sum(not_ok)::bigint end as not_ok
    from event_rollup_${level} join event_series on id = series
    where margin = '${margin}' group by 1, 2, 3, 4 order by 1, 2, 3, 4`);
}
