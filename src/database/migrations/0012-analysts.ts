import { type Kysely, type RawBuilder, sql } from 'kysely';

/** Views with names that stay, whatever becomes of the tables, and sketches as an aggregate. */
export async function createAnalysts(db: Kysely<unknown>): Promise<void> {
  await createSketches(db);
  await createRecords(db);
  const levels = { quarter: 'quarters', hour: 'hours', day: 'days' };
  for (const [level, plural] of Object.entries(levels)) {
    const [events, usage] = [sql.ref(`event_rollup_${level}`), sql.ref(`usage_rollup_${level}`)];
    await view(db, `telemetry_event_${plural}`, eventTotals(events, 'series', eventNames));
    await view(
      db,
      `telemetry_component_${plural}`,
      eventTotals(events, 'component', ['component']),
    );
    await view(db, `telemetry_usage_${plural}`, usageTotals(usage, 'series', usageNames));
    await view(db, `telemetry_model_${plural}`, usageTotals(usage, 'model', ['model']));
  }
}

const eventNames = ['event_type', 'component', 'status'];
const usageNames = ['model', 'layer', 'provider', 'operation', 'agent', 'team', 'project'];

async function view(db: Kysely<unknown>, name: string, query: RawBuilder<unknown>): Promise<void> {
  await sql`create or replace view ${sql.ref(name)} as ${query}`.execute(db);
}

/** Adds sketches up: telemetry_sketch_merge(keys, counts), whose quantiles telemetry_sketch_quantile tells. */
async function createSketches(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$ begin
      if to_regtype('telemetry_sketch') is null then
        create type telemetry_sketch as (keys integer[], counts bigint[]);
      end if;
    end $$`.execute(db);
  await sql`
    create or replace function telemetry_sketch_both(a telemetry_sketch, b telemetry_sketch)
    returns telemetry_sketch language sql immutable parallel safe as $$
      select row(array_agg(key order by key), array_agg(count order by key))::telemetry_sketch
      from (
        select key, sum(count)::bigint as count
        from (
          select unnest((a).keys) as key, unnest((a).counts) as count
          union all select unnest((b).keys), unnest((b).counts)
        ) as cells
        group by key
      ) as merged
    $$`.execute(db);
  await sql`
    create or replace function telemetry_sketch_with(
      sketch telemetry_sketch, keys integer[], counts integer[]
    ) returns telemetry_sketch language sql immutable parallel safe as $$
      select telemetry_sketch_both(sketch, row(keys, counts::bigint[])::telemetry_sketch)
    $$`.execute(db);
  await sql`
    create or replace aggregate telemetry_sketch_merge(integer[], integer[]) (
      sfunc = telemetry_sketch_with,
      stype = telemetry_sketch,
      combinefunc = telemetry_sketch_both,
      parallel = safe
    )`.execute(db);
  await sql`
    create or replace function telemetry_sketch_quantile(
      sketch telemetry_sketch, share double precision, lowest double precision, highest double precision
    ) returns double precision language sql immutable parallel safe as $$
      select telemetry_sketch_quantile((sketch).keys, (sketch).counts, share, lowest, highest)
    $$`.execute(db);
}

/** Rows, without what only the collector needs. */
async function createRecords(db: Kysely<unknown>): Promise<void> {
  const finite = (name: string) => sql`
    case when ${sql.ref(name)} not in ('NaN', 'Infinity', '-Infinity') then ${sql.ref(name)} end
    as ${sql.ref(name)}`;
  await view(
    db,
    'telemetry_events',
    sql`select id, "timestamp", observed_at, event_type, component, ${finite('value')}, status,
      metadata from system_telemetry`,
  );
  await view(
    db,
    'telemetry_usage',
    sql`select id, "timestamp", observed_at, model, layer, provider, operation, agent, project, team,
      user_id, session_id, ghost_id, shell_id, prompt_tokens as input_tokens,
      completion_tokens as output_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens,
      reasoning_tokens, ${finite('duration_ms')}, ${finite('time_to_first_token_ms')},
      ${finite('cost_usd')}, cost_source, usage_rule, ambiguous, status, error_type, service_tier,
      response_id, request_id, trace_id, span_id, metadata from usage_stats`,
  );
}

/** Of one margin, with its dimensions: the rows of several of them would count everything again. */
const eventTotals = (level: RawBuilder<unknown>, margin: string, names: readonly string[]) => sql`
  select bucket, ${sql.join(names.map((name) => sql.ref(name)))}, events, n, sum, min, max,
    tokens_generated, total_tokens, keys, counts
  from ${level} join event_series on id = series where margin = ${sql.lit(margin)}`;

const usageTotals = (level: RawBuilder<unknown>, margin: string, names: readonly string[]) => sql`
  select bucket, ${sql.join(names.map((name) => sql.ref(name)))}, requests, errors, input_tokens,
    output_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens,
    cost_usd, unpriced, unpriced_tokens, ambiguous, duration_n, duration_sum, duration_min,
    duration_max, duration_keys, duration_counts, first_token_n, first_token_sum, first_token_min,
    first_token_max, first_token_keys, first_token_counts
  from ${level} join usage_series on id = series where margin = ${sql.lit(margin)}`;
