import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { finite, hasShownTime } from './events.ts';

/** Lists of components, models or layers end here. */
export const groupsMax = 1000;

export interface ComponentStatistics {
  readonly component: string | null;
  readonly measurement_count: number;
  readonly avg_efficiency_score: number | null;
  readonly best_efficiency: number | null;
  readonly worst_efficiency: number | null;
  /** Null where no measurement has any. */
  readonly total_tokens: number | null;
}

export interface StatisticsFilter {
  readonly eventType: string;
  readonly hours: number;
  /** Empty for all. */
  readonly component: string;
}

/** Count, mean, minimum and maximum of an event type's values and the sum of its generated tokens. */
export async function statistics(
  db: Kysely<Database>,
  { eventType, hours, component }: StatisticsFilter,
): Promise<{ overall: ComponentStatistics; components: ComponentStatistics[] }> {
  const { rows } = await sql<ComponentStatistics & { is_overall: boolean }>`
    select
      component,
      grouping(component) = 1 as is_overall,
      count(*) as measurement_count,
      ${mean('value')} as avg_efficiency_score,
      min(${finite('value')}) as best_efficiency,
      max(${finite('value')}) as worst_efficiency,
      ${tokenSum('tokens_generated')} as total_tokens
    from system_telemetry
    where event_type = ${eventType}
      and ${within(hours)}
      and (${component} = '' or component = ${component})
    group by grouping sets ((), (component))
    order by is_overall desc, measurement_count desc, component
    limit ${groupsMax + 1}`.execute(db);
  const [overall, ...components] = rows.map(({ is_overall: _, ...row }) => row);
  return { overall: overall as ComponentStatistics, components };
}

export interface UsageTotals {
  readonly requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  readonly avg_duration_ms: number | null;
  readonly cost_usd: number;
  /** Those of the requests whose counts contradict each other. */
  readonly ambiguous: number;
  /** Those of the requests that have no cost. */
  readonly unpriced: number;
  /** Of those. */
  readonly unpriced_tokens: number;
}

export interface UsageSummary extends UsageTotals {
  readonly l2_tokens: number;
  readonly breakdown: readonly (UsageTotals & { model: string | null; layer: string | null })[];
}

export interface UsageFilter {
  readonly hours: number;
  /** Empty for all. */
  readonly model: string;
  /** Empty for all. */
  readonly layer: string;
}

export async function usageSummary(
  db: Kysely<Database>,
  { hours, model, layer }: UsageFilter,
): Promise<UsageSummary> {
  type Row = UsageTotals & {
    model: string | null;
    layer: string | null;
    is_total: boolean;
    l2_tokens: number;
  };
  const { rows } = await sql<Row>`
    select
      model,
      layer,
      grouping(model, layer) = 3 as is_total,
      count(*) as requests,
      ${count(sql`sum(prompt_tokens)`)} as input_tokens,
      ${count(sql`sum(completion_tokens)`)} as output_tokens,
      ${count(sql`sum(${tokens})`)} as total_tokens,
      ${count(sql`sum(cached_tokens)`)} as cached_tokens,
      ${count(sql`sum(cache_write_tokens)`)} as cache_write_tokens,
      ${count(sql`sum(reasoning_tokens)`)} as reasoning_tokens,
      count(*) filter (where ambiguous) as ambiguous,
      count(*) filter (where not ${hasCost}) as unpriced,
      ${count(sql`sum(${tokens}) filter (where not ${hasCost})`)} as unpriced_tokens,
      ${count(sql`sum(${tokens}) filter (where layer = 'L2')`)} as l2_tokens,
      ${mean('duration_ms')} as avg_duration_ms,
      coalesce(${double(sql`sum(cost_usd) filter (where ${hasCost})`)}, 0) as cost_usd
    from usage_stats
    where ${within(hours)}
      and (${model} = '' or model = ${model})
      and (${layer} = '' or layer = ${layer})
    group by grouping sets ((), (model, layer))
    order by is_total desc, total_tokens desc, model, layer
    limit ${groupsMax + 1}`.execute(db);
  const [total, ...breakdown] = rows as [Row, ...Row[]];
  return { ...total, breakdown };
}

export interface Trends {
  readonly overall: {
    readonly total_measurements: number;
    readonly unique_models: number;
    readonly oldest_record: Date | null;
    readonly newest_record: Date | null;
  };
  readonly models: readonly ModelTrend[];
}

export interface ModelTrend {
  readonly component: string | null;
  readonly avg_efficiency: number | null;
  readonly measurement_count: number;
  readonly total_tokens_processed: number;
  readonly days: readonly {
    day: string;
    avg_efficiency: number | null;
    measurement_count: number;
  }[];
}

export interface TrendsFilter {
  readonly days: number;
  /** Empty for all. */
  readonly component: string;
  /** `overall` counts events of all types. */
  readonly overallOfAllEvents: boolean;
}

/** THOUGHT_LATENCY by model over so many days, whole and by UTC day. */
export async function trends(
  db: Kysely<Database>,
  { days, component, overallOfAllEvents }: TrendsFilter,
): Promise<Trends> {
  const recent = sql`
    system_telemetry
    where ${within(24 * days)} and (${component} = '' or component = ${component})`;
  const measured = sql`${recent} and event_type = 'THOUGHT_LATENCY'`;
  const overall = await sql<Trends['overall']>`
    select
      count(*) as total_measurements,
      count(distinct component) as unique_models,
      min("timestamp") as oldest_record,
      max("timestamp") as newest_record
    from ${overallOfAllEvents ? recent : measured}`.execute(db);
  const models = await sql<ModelTrend>`
    with daily as (
      select
        component,
        date_trunc('day', "timestamp", 'UTC') as day,
        count(*) as measurements,
        count(${finite('value')}) as values,
        sum(${finite('value')}::numeric) as total,
        ${tokenSum('total_tokens')} as tokens
      from ${measured}
      group by component, day
    )
    select
      component,
      ${double(sql`sum(total) / nullif(sum(values), 0)`)} as avg_efficiency,
      sum(measurements)::bigint as measurement_count,
      ${count(sql`sum(tokens)`)} as total_tokens_processed,
      json_agg(json_build_object(
        'day', day,
        'avg_efficiency', ${double(sql`total / nullif(values, 0)`)},
        'measurement_count', measurements
      ) order by day) as days
    from daily
    group by component
    order by measurement_count desc, component
    limit ${groupsMax}`.execute(db);
  return { overall: overall.rows[0] as Trends['overall'], models: models.rows };
}

const within = (hours: number): RawBuilder<boolean> =>
  sql<boolean>`"timestamp" >= now() - ${hours} * interval '1 hour' and ${hasShownTime}`;

/**
 * A numeric as the nearest double. What is summed is summed as numeric: a sum of doubles can leave
 * their range, and then PostgreSQL fails the query for everybody.
 */
const double = (numeric: RawBuilder<unknown>): RawBuilder<number | null> => sql`
  case when ${numeric} is not null then
    round(least(greatest(${numeric}, -1.79769313486231e308), 1.79769313486231e308), 300)::float8
  end`;

/** A sum of whole numbers, 0 where there are none, within what a number holds exactly. */
const count = (sum: RawBuilder<unknown>): RawBuilder<number> => sql`coalesce(${exact(sum)}, 0)`;

/** Within what numbers hold exactly; null stays null. */
const exact = (sum: RawBuilder<unknown>): RawBuilder<number | null> => sql`
  (case when ${sum} is not null
    then least(greatest(${sum}, -9007199254740991), 9007199254740991) end)::bigint`;

const mean = (column: 'value' | 'duration_ms'): RawBuilder<number | null> =>
  double(sql`avg(${finite(column)}::numeric)`);

const hasCost = sql`
  coalesce(cost_usd not in ('NaN', 'Infinity', '-Infinity'), false)`;

const tokens = sql`coalesce(prompt_tokens, 0)::numeric + coalesce(completion_tokens, 0)`;

/** Sums a number inside metadata, passing over what is none. */
const tokenSum = (key: string): RawBuilder<number | null> =>
  exact(sql`sum(
    case when jsonb_typeof(metadata -> ${sql.lit(key)}) = 'number'
      then trunc((metadata ->> ${sql.lit(key)})::numeric) end
  )`);
