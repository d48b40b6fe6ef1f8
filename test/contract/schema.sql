create type telemetry_sketch as (
  keys integer[],
  counts bigint[]
);

CREATE OR REPLACE FUNCTION public.telemetry_sketch_both(a telemetry_sketch, b telemetry_sketch)
 RETURNS telemetry_sketch
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
      select row(array_agg(key order by key), array_agg(count order by key))::telemetry_sketch
      from (
        select key, sum(count)::bigint as count
        from (
          select unnest((a).keys) as key, unnest((a).counts) as count
          union all select unnest((b).keys), unnest((b).counts)
        ) as cells
        group by key
      ) as merged
    $function$
;

CREATE OR REPLACE FUNCTION public.telemetry_sketch_key(value double precision)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
      select case when value = 0 then 0
        else (sign(value) * (ceil(ln(abs(value)) / 0.020000666706669435::float8) + 40000))::integer end
    $function$
;

CREATE OR REPLACE FUNCTION public.telemetry_sketch_middle(key integer)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
      select case when key = 0 then 0
        when abs(key) > 75488 then sign(key) * 1.7976931348623157e308::float8
        when abs(key) < 2778 then sign(key) * 5e-324::float8
        else sign(key)
          * exp((abs(key) - 40000) * 0.020000666706669435::float8 - 0.010050335853501442::float8) end
    $function$
;

CREATE OR REPLACE FUNCTION public.telemetry_sketch_quantile(keys integer[], counts bigint[], share double precision, lowest double precision, highest double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
      select least(highest, greatest(lowest, telemetry_sketch_middle(key)))
      from (
        select key, sum(count) over (order by key) as seen, sum(count) over () as total
        from unnest(keys, counts) as cell (key, count)
      ) as cells
      where seen > share * (total - 1)
      order by key
      limit 1
    $function$
;

CREATE OR REPLACE FUNCTION public.telemetry_sketch_quantile(sketch telemetry_sketch, share double precision, lowest double precision, highest double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
      select telemetry_sketch_quantile((sketch).keys, (sketch).counts, share, lowest, highest)
    $function$
;

CREATE OR REPLACE FUNCTION public.telemetry_sketch_with(sketch telemetry_sketch, keys integer[], counts integer[])
 RETURNS telemetry_sketch
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
      select telemetry_sketch_both(sketch, row(keys, counts::bigint[])::telemetry_sketch)
    $function$
;

create aggregate telemetry_sketch_merge(integer[],integer[]) (sfunc = telemetry_sketch_with, stype = telemetry_sketch, combinefunc = telemetry_sketch_both, parallel = safe);

create table adoption (
  source text not null,
  target text not null,
  last_id bigint,
  rows_copied bigint not null default 0,
  started_at timestamp with time zone not null default now(),
  finished_at timestamp with time zone,
  number integer not null default 0,
  last_key text,
  rows_total bigint,
  rows_refused bigint not null default 0,
  obstacle text,
  checked boolean not null default false,
  dropped_at timestamp with time zone,
  constraint adoption_pkey PRIMARY KEY (source)
);

create table batch_ledger (
  batch_id uuid not null,
  fingerprint bytea not null,
  group_id uuid not null,
  answer jsonb,
  committed_at timestamp with time zone not null default now(),
  constraint batch_ledger_pkey PRIMARY KEY (batch_id)
) partition by RANGE (batch_id);

create table call_claims (
  call_key uuid not null,
  row_id uuid not null,
  row_time timestamp with time zone not null,
  claimed_at timestamp with time zone not null default now(),
  constraint call_claims_pkey PRIMARY KEY (call_key)
);

create table commit_notes (
  xid xid8 not null default pg_current_xact_id(),
  written_at timestamp with time zone not null default clock_timestamp(),
  kind text not null,
  rows integer not null,
  times bigint[] not null,
  moved text,
  ids uuid[],
  before xid[]
) with (autovacuum_vacuum_scale_factor=0.1);

create table dead_letters (
  id uuid not null default gen_random_uuid(),
  batch_id uuid not null,
  table_name text not null,
  "row" bytea not null,
  payload jsonb not null,
  reason text not null,
  created_at timestamp with time zone not null default now(),
  constraint dead_letters_pkey PRIMARY KEY (id)
);

create table erasures (
  id uuid not null default gen_random_uuid(),
  field text not null,
  hash bytea not null,
  erased_at timestamp with time zone not null default clock_timestamp(),
  constraint erasures_pkey PRIMARY KEY (id)
);

create table event_rollup_day (
  bucket timestamp with time zone not null,
  series integer not null,
  events bigint not null,
  n bigint not null,
  sum double precision,
  min double precision,
  max double precision,
  nans bigint not null default 0,
  positive_infinities bigint not null default 0,
  negative_infinities bigint not null default 0,
  tokens_generated numeric,
  total_tokens numeric,
  keys integer[] not null default '{}'::integer[],
  counts integer[] not null default '{}'::integer[],
  not_ok bigint,
  cells bytea
);

create table event_rollup_hour (
  bucket timestamp with time zone not null,
  series integer not null,
  events bigint not null,
  n bigint not null,
  sum double precision,
  min double precision,
  max double precision,
  nans bigint not null default 0,
  positive_infinities bigint not null default 0,
  negative_infinities bigint not null default 0,
  tokens_generated numeric,
  total_tokens numeric,
  keys integer[] not null default '{}'::integer[],
  counts integer[] not null default '{}'::integer[],
  not_ok bigint,
  cells bytea
);

create table event_rollup_quarter (
  bucket timestamp with time zone not null,
  series integer not null,
  events bigint not null,
  n bigint not null,
  sum double precision,
  min double precision,
  max double precision,
  nans bigint not null default 0,
  positive_infinities bigint not null default 0,
  negative_infinities bigint not null default 0,
  tokens_generated numeric,
  total_tokens numeric,
  keys integer[] not null default '{}'::integer[],
  counts integer[] not null default '{}'::integer[],
  not_ok bigint,
  cells bytea
);

create table event_series (
  id integer not null generated always as identity,
  hash uuid not null,
  margin text not null,
  event_type text,
  component text,
  status text,
  margins integer[] not null default '{}'::integer[],
  created_at timestamp with time zone not null default now(),
  constraint event_series_hash_key UNIQUE (hash),
  constraint event_series_pkey PRIMARY KEY (id)
);

create table retention_days (
  day date not null,
  constraint retention_days_pkey PRIMARY KEY (day)
);

create table retention_drops (
  id uuid not null default gen_random_uuid(),
  table_name text not null,
  partition_name text not null,
  from_time timestamp with time zone not null,
  to_time timestamp with time zone not null,
  bytes bigint not null,
  reason text not null,
  dropped_at timestamp with time zone not null default now(),
  constraint retention_drops_pkey PRIMARY KEY (id)
);

create table rollup_fresh (
  kind text not null,
  written_at timestamp with time zone not null default now(),
  events integer not null,
  data bytea not null
) with (vacuum_truncate=off, autovacuum_vacuum_scale_factor=0.1);

create table rollup_history (
  kind text not null,
  partition_name text not null,
  blocks_done bigint not null default 0,
  finished_at timestamp with time zone,
  read_to timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint rollup_history_by_time CHECK (((blocks_done = 0) OR ((finished_at IS NOT NULL) AND (read_to = '-infinity'::timestamp with time zone)))),
  constraint rollup_history_pkey PRIMARY KEY (kind, partition_name)
);

create table rollup_merges (
  kind text not null,
  level text not null,
  bucket timestamp with time zone not null,
  noted_at timestamp with time zone not null default now(),
  constraint rollup_merges_pkey PRIMARY KEY (kind, level, bucket)
);

create table rollup_repairs (
  kind text not null,
  bucket timestamp with time zone not null,
  noted_at timestamp with time zone not null default now(),
  constraint rollup_repairs_pkey PRIMARY KEY (kind, bucket)
);

create table rollup_state (
  only_one boolean not null default true,
  settled_at timestamp with time zone not null default date_bin('00:15:00'::interval, now(), '2000-01-01 00:00:00+00'::timestamp with time zone),
  raw_floor timestamp with time zone not null default '-infinity'::timestamp with time zone,
  usage_raw_floor timestamp with time zone not null default '-infinity'::timestamp with time zone,
  quarter_floor timestamp with time zone not null default '-infinity'::timestamp with time zone,
  hour_floor timestamp with time zone not null default '-infinity'::timestamp with time zone,
  day_floor timestamp with time zone not null default '-infinity'::timestamp with time zone,
  not_ok_from timestamp with time zone not null default 'infinity'::timestamp with time zone,
  cells_from timestamp with time zone not null default 'infinity'::timestamp with time zone,
  margins_from timestamp with time zone not null default 'infinity'::timestamp with time zone,
  constraint rollup_state_only_one_check CHECK (only_one),
  constraint rollup_state_pkey PRIMARY KEY (only_one)
);

create table rollup_verifications (
  night date not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null default now(),
  from_time timestamp with time zone,
  to_time timestamp with time zone,
  differences integer not null,
  found jsonb not null,
  changes jsonb not null,
  constraint rollup_verifications_pkey PRIMARY KEY (night)
);

create table system_telemetry (
  id uuid not null default gen_random_uuid(),
  "timestamp" timestamp with time zone not null default now(),
  observed_at timestamp with time zone not null default now(),
  event_type text not null,
  component text,
  value double precision,
  metadata jsonb,
  status text,
  rolled boolean default false
) partition by RANGE ("timestamp");

create table telemetry_audit (
  id uuid not null default gen_random_uuid(),
  recorded_at timestamp with time zone not null default now(),
  caller text not null,
  action text not null,
  detail jsonb not null,
  constraint telemetry_audit_pkey PRIMARY KEY (recorded_at, id)
);

create table telemetry_collectors (
  collector uuid not null,
  seen_at timestamp with time zone not null default now(),
  status jsonb not null,
  constraint telemetry_collectors_pkey PRIMARY KEY (collector)
);

create table telemetry_key_demand (
  collector uuid not null,
  seen_at timestamp with time zone not null default now(),
  demand jsonb not null,
  constraint telemetry_key_demand_pkey PRIMARY KEY (collector)
);

create table telemetry_keys (
  id text not null,
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  records_per_second bigint,
  bytes_per_second bigint,
  buffer_share double precision,
  query_share double precision,
  certificate text,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  constraint telemetry_keys_pkey PRIMARY KEY (id)
);

create table telemetry_schema (
  name text not null,
  release integer not null,
  applied_at timestamp with time zone not null default now(),
  constraint telemetry_schema_pkey PRIMARY KEY (name)
);

create table usage_rollup_day (
  bucket timestamp with time zone not null,
  series integer not null,
  requests bigint not null,
  duration_n bigint not null,
  duration_sum double precision,
  duration_min double precision,
  duration_max double precision,
  duration_nans bigint not null default 0,
  duration_positive_infinities bigint not null default 0,
  duration_negative_infinities bigint not null default 0,
  first_token_n bigint not null,
  first_token_sum double precision,
  first_token_min double precision,
  first_token_max double precision,
  first_token_nans bigint not null default 0,
  first_token_positive_infinities bigint not null default 0,
  first_token_negative_infinities bigint not null default 0,
  input_tokens numeric not null default 0,
  output_tokens numeric not null default 0,
  cached_tokens numeric not null default 0,
  cache_write_tokens numeric not null default 0,
  cache_write_1h_tokens numeric not null default 0,
  reasoning_tokens numeric not null default 0,
  unpriced_tokens numeric not null default 0,
  unpriced numeric not null default 0,
  ambiguous numeric not null default 0,
  errors numeric not null default 0,
  cost_usd numeric not null default 0,
  duration_keys integer[] not null default '{}'::integer[],
  duration_counts integer[] not null default '{}'::integer[],
  first_token_keys integer[] not null default '{}'::integer[],
  first_token_counts integer[] not null default '{}'::integer[],
  duration_cells bytea,
  first_token_cells bytea
);

create table usage_rollup_hour (
  bucket timestamp with time zone not null,
  series integer not null,
  requests bigint not null,
  duration_n bigint not null,
  duration_sum double precision,
  duration_min double precision,
  duration_max double precision,
  duration_nans bigint not null default 0,
  duration_positive_infinities bigint not null default 0,
  duration_negative_infinities bigint not null default 0,
  first_token_n bigint not null,
  first_token_sum double precision,
  first_token_min double precision,
  first_token_max double precision,
  first_token_nans bigint not null default 0,
  first_token_positive_infinities bigint not null default 0,
  first_token_negative_infinities bigint not null default 0,
  input_tokens numeric not null default 0,
  output_tokens numeric not null default 0,
  cached_tokens numeric not null default 0,
  cache_write_tokens numeric not null default 0,
  cache_write_1h_tokens numeric not null default 0,
  reasoning_tokens numeric not null default 0,
  unpriced_tokens numeric not null default 0,
  unpriced numeric not null default 0,
  ambiguous numeric not null default 0,
  errors numeric not null default 0,
  cost_usd numeric not null default 0,
  duration_keys integer[] not null default '{}'::integer[],
  duration_counts integer[] not null default '{}'::integer[],
  first_token_keys integer[] not null default '{}'::integer[],
  first_token_counts integer[] not null default '{}'::integer[],
  duration_cells bytea,
  first_token_cells bytea
);

create table usage_rollup_quarter (
  bucket timestamp with time zone not null,
  series integer not null,
  requests bigint not null,
  duration_n bigint not null,
  duration_sum double precision,
  duration_min double precision,
  duration_max double precision,
  duration_nans bigint not null default 0,
  duration_positive_infinities bigint not null default 0,
  duration_negative_infinities bigint not null default 0,
  first_token_n bigint not null,
  first_token_sum double precision,
  first_token_min double precision,
  first_token_max double precision,
  first_token_nans bigint not null default 0,
  first_token_positive_infinities bigint not null default 0,
  first_token_negative_infinities bigint not null default 0,
  input_tokens numeric not null default 0,
  output_tokens numeric not null default 0,
  cached_tokens numeric not null default 0,
  cache_write_tokens numeric not null default 0,
  cache_write_1h_tokens numeric not null default 0,
  reasoning_tokens numeric not null default 0,
  unpriced_tokens numeric not null default 0,
  unpriced numeric not null default 0,
  ambiguous numeric not null default 0,
  errors numeric not null default 0,
  cost_usd numeric not null default 0,
  duration_keys integer[] not null default '{}'::integer[],
  duration_counts integer[] not null default '{}'::integer[],
  first_token_keys integer[] not null default '{}'::integer[],
  first_token_counts integer[] not null default '{}'::integer[],
  duration_cells bytea,
  first_token_cells bytea
);

create table usage_series (
  id integer not null generated always as identity,
  hash uuid not null,
  margin text not null,
  model text,
  layer text,
  provider text,
  operation text,
  agent text,
  team text,
  project text,
  margins integer[] not null default '{}'::integer[],
  created_at timestamp with time zone not null default now(),
  constraint usage_series_hash_key UNIQUE (hash),
  constraint usage_series_pkey PRIMARY KEY (id)
);

create table usage_stats (
  id uuid not null default gen_random_uuid(),
  "timestamp" timestamp with time zone not null default now(),
  observed_at timestamp with time zone not null default now(),
  model text,
  layer text,
  provider text,
  operation text,
  prompt_tokens bigint default 0,
  completion_tokens bigint default 0,
  cached_tokens bigint default 0,
  reasoning_tokens bigint default 0,
  duration_ms double precision,
  cost_usd numeric,
  ghost_id text,
  shell_id text,
  metadata jsonb,
  cache_write_tokens bigint default 0,
  cache_write_1h_tokens bigint default 0,
  session_id text,
  response_id text,
  request_id text,
  agent text,
  user_id text,
  team text,
  project text,
  trace_id text,
  span_id text,
  time_to_first_token_ms double precision,
  status text,
  error_type text,
  service_tier text,
  cost_source text,
  usage_rule text,
  ambiguous boolean,
  rolled boolean default false,
  model_name text,
  tokens_input bigint,
  tokens_output bigint
) partition by RANGE ("timestamp");

create table batch_ledger_default partition of batch_ledger DEFAULT;

create table system_telemetry_default partition of system_telemetry DEFAULT;

create table usage_stats_default partition of usage_stats DEFAULT;

CREATE INDEX commit_notes_xid_idx ON public.commit_notes USING btree (xid);

CREATE INDEX event_rollup_day_bucket_idx ON public.event_rollup_day USING btree (bucket);

CREATE INDEX event_rollup_day_series_idx ON public.event_rollup_day USING btree (series, bucket);

CREATE INDEX event_rollup_hour_bucket_idx ON public.event_rollup_hour USING btree (bucket);

CREATE INDEX event_rollup_hour_series_idx ON public.event_rollup_hour USING btree (series, bucket);

CREATE INDEX event_rollup_quarter_bucket_idx ON public.event_rollup_quarter USING btree (bucket);

CREATE INDEX event_rollup_quarter_series_idx ON public.event_rollup_quarter USING btree (series, bucket);

CREATE INDEX event_series_margin_idx ON public.event_series USING btree (margin);

CREATE INDEX system_telemetry_component_type_idx ON system_telemetry USING btree (component, event_type);

CREATE INDEX system_telemetry_timestamp_idx ON system_telemetry USING btree ("timestamp");

CREATE INDEX system_telemetry_unrolled_idx ON system_telemetry USING btree ("timestamp") WHERE (rolled IS FALSE);

CREATE INDEX usage_rollup_day_bucket_idx ON public.usage_rollup_day USING btree (bucket);

CREATE INDEX usage_rollup_day_series_idx ON public.usage_rollup_day USING btree (series, bucket);

CREATE INDEX usage_rollup_hour_bucket_idx ON public.usage_rollup_hour USING btree (bucket);

CREATE INDEX usage_rollup_hour_series_idx ON public.usage_rollup_hour USING btree (series, bucket);

CREATE INDEX usage_rollup_quarter_bucket_idx ON public.usage_rollup_quarter USING btree (bucket);

CREATE INDEX usage_rollup_quarter_series_idx ON public.usage_rollup_quarter USING btree (series, bucket);

CREATE INDEX usage_series_margin_idx ON public.usage_series USING btree (margin);

CREATE INDEX usage_stats_older_names_idx ON usage_stats USING btree ("timestamp") WHERE (rolled AND ((model_name IS NOT NULL) OR (tokens_input IS NOT NULL) OR (tokens_output IS NOT NULL)));

CREATE INDEX usage_stats_session_idx ON usage_stats USING btree (session_id, "timestamp") WHERE (session_id IS NOT NULL);

CREATE INDEX usage_stats_timestamp_idx ON usage_stats USING btree ("timestamp");

CREATE INDEX usage_stats_unrolled_idx ON usage_stats USING btree ("timestamp") WHERE (rolled IS FALSE);

CREATE INDEX usage_stats_user_idx ON usage_stats USING btree (user_id, "timestamp") WHERE (user_id IS NOT NULL);

create view telemetry_events as
 SELECT id,
    "timestamp",
    observed_at,
    event_type,
    component,
        CASE
            WHEN (value <> ALL (ARRAY['NaN'::double precision, 'Infinity'::double precision, '-Infinity'::double precision])) THEN value
            ELSE NULL::double precision
        END AS value,
    status,
    metadata
   FROM system_telemetry;

create view telemetry_usage as
 SELECT id,
    "timestamp",
    observed_at,
    COALESCE(model, model_name) AS model,
    layer,
    provider,
    operation,
    agent,
    project,
    team,
    user_id,
    session_id,
    ghost_id,
    shell_id,
    COALESCE(NULLIF(prompt_tokens, 0), tokens_input, prompt_tokens) AS input_tokens,
    COALESCE(NULLIF(completion_tokens, 0), tokens_output, completion_tokens) AS output_tokens,
    cached_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    reasoning_tokens,
        CASE
            WHEN (duration_ms <> ALL (ARRAY['NaN'::double precision, 'Infinity'::double precision, '-Infinity'::double precision])) THEN duration_ms
            ELSE NULL::double precision
        END AS duration_ms,
        CASE
            WHEN (time_to_first_token_ms <> ALL (ARRAY['NaN'::double precision, 'Infinity'::double precision, '-Infinity'::double precision])) THEN time_to_first_token_ms
            ELSE NULL::double precision
        END AS time_to_first_token_ms,
        CASE
            WHEN (cost_usd <> ALL (ARRAY['NaN'::numeric, 'Infinity'::numeric, '-Infinity'::numeric])) THEN cost_usd
            ELSE NULL::numeric
        END AS cost_usd,
    cost_source,
    usage_rule,
    ambiguous,
    status,
    error_type,
    service_tier,
    response_id,
    request_id,
    trace_id,
    span_id,
    metadata
   FROM usage_stats;

create view telemetry_event_quarters as
 SELECT event_rollup_quarter.bucket,
    event_series.event_type,
    event_series.component,
    event_series.status,
    event_rollup_quarter.events,
    event_rollup_quarter.n,
    event_rollup_quarter.sum,
    event_rollup_quarter.min,
    event_rollup_quarter.max,
    event_rollup_quarter.tokens_generated,
    event_rollup_quarter.total_tokens,
    event_rollup_quarter.keys,
    event_rollup_quarter.counts
   FROM (event_rollup_quarter
     JOIN event_series ON ((event_series.id = event_rollup_quarter.series)))
  WHERE (event_series.margin = 'series'::text);

create view telemetry_component_quarters as
 SELECT event_rollup_quarter.bucket,
    event_series.component,
    event_rollup_quarter.events,
    event_rollup_quarter.n,
    event_rollup_quarter.sum,
    event_rollup_quarter.min,
    event_rollup_quarter.max,
    event_rollup_quarter.tokens_generated,
    event_rollup_quarter.total_tokens,
    event_rollup_quarter.keys,
    event_rollup_quarter.counts
   FROM (event_rollup_quarter
     JOIN event_series ON ((event_series.id = event_rollup_quarter.series)))
  WHERE (event_series.margin = 'component'::text);

create view telemetry_usage_quarters as
 SELECT usage_rollup_quarter.bucket,
    usage_series.model,
    usage_series.layer,
    usage_series.provider,
    usage_series.operation,
    usage_series.agent,
    usage_series.team,
    usage_series.project,
    usage_rollup_quarter.requests,
    usage_rollup_quarter.errors,
    usage_rollup_quarter.input_tokens,
    usage_rollup_quarter.output_tokens,
    usage_rollup_quarter.cached_tokens,
    usage_rollup_quarter.cache_write_tokens,
    usage_rollup_quarter.cache_write_1h_tokens,
    usage_rollup_quarter.reasoning_tokens,
    usage_rollup_quarter.cost_usd,
    usage_rollup_quarter.unpriced,
    usage_rollup_quarter.unpriced_tokens,
    usage_rollup_quarter.ambiguous,
    usage_rollup_quarter.duration_n,
    usage_rollup_quarter.duration_sum,
    usage_rollup_quarter.duration_min,
    usage_rollup_quarter.duration_max,
    usage_rollup_quarter.duration_keys,
    usage_rollup_quarter.duration_counts,
    usage_rollup_quarter.first_token_n,
    usage_rollup_quarter.first_token_sum,
    usage_rollup_quarter.first_token_min,
    usage_rollup_quarter.first_token_max,
    usage_rollup_quarter.first_token_keys,
    usage_rollup_quarter.first_token_counts
   FROM (usage_rollup_quarter
     JOIN usage_series ON ((usage_series.id = usage_rollup_quarter.series)))
  WHERE (usage_series.margin = 'series'::text);

create view telemetry_model_quarters as
 SELECT usage_rollup_quarter.bucket,
    usage_series.model,
    usage_rollup_quarter.requests,
    usage_rollup_quarter.errors,
    usage_rollup_quarter.input_tokens,
    usage_rollup_quarter.output_tokens,
    usage_rollup_quarter.cached_tokens,
    usage_rollup_quarter.cache_write_tokens,
    usage_rollup_quarter.cache_write_1h_tokens,
    usage_rollup_quarter.reasoning_tokens,
    usage_rollup_quarter.cost_usd,
    usage_rollup_quarter.unpriced,
    usage_rollup_quarter.unpriced_tokens,
    usage_rollup_quarter.ambiguous,
    usage_rollup_quarter.duration_n,
    usage_rollup_quarter.duration_sum,
    usage_rollup_quarter.duration_min,
    usage_rollup_quarter.duration_max,
    usage_rollup_quarter.duration_keys,
    usage_rollup_quarter.duration_counts,
    usage_rollup_quarter.first_token_n,
    usage_rollup_quarter.first_token_sum,
    usage_rollup_quarter.first_token_min,
    usage_rollup_quarter.first_token_max,
    usage_rollup_quarter.first_token_keys,
    usage_rollup_quarter.first_token_counts
   FROM (usage_rollup_quarter
     JOIN usage_series ON ((usage_series.id = usage_rollup_quarter.series)))
  WHERE (usage_series.margin = 'model'::text);

create view telemetry_event_hours as
 SELECT event_rollup_hour.bucket,
    event_series.event_type,
    event_series.component,
    event_series.status,
    event_rollup_hour.events,
    event_rollup_hour.n,
    event_rollup_hour.sum,
    event_rollup_hour.min,
    event_rollup_hour.max,
    event_rollup_hour.tokens_generated,
    event_rollup_hour.total_tokens,
    event_rollup_hour.keys,
    event_rollup_hour.counts
   FROM (event_rollup_hour
     JOIN event_series ON ((event_series.id = event_rollup_hour.series)))
  WHERE (event_series.margin = 'series'::text);

create view telemetry_component_hours as
 SELECT event_rollup_hour.bucket,
    event_series.component,
    event_rollup_hour.events,
    event_rollup_hour.n,
    event_rollup_hour.sum,
    event_rollup_hour.min,
    event_rollup_hour.max,
    event_rollup_hour.tokens_generated,
    event_rollup_hour.total_tokens,
    event_rollup_hour.keys,
    event_rollup_hour.counts
   FROM (event_rollup_hour
     JOIN event_series ON ((event_series.id = event_rollup_hour.series)))
  WHERE (event_series.margin = 'component'::text);

create view telemetry_usage_hours as
 SELECT usage_rollup_hour.bucket,
    usage_series.model,
    usage_series.layer,
    usage_series.provider,
    usage_series.operation,
    usage_series.agent,
    usage_series.team,
    usage_series.project,
    usage_rollup_hour.requests,
    usage_rollup_hour.errors,
    usage_rollup_hour.input_tokens,
    usage_rollup_hour.output_tokens,
    usage_rollup_hour.cached_tokens,
    usage_rollup_hour.cache_write_tokens,
    usage_rollup_hour.cache_write_1h_tokens,
    usage_rollup_hour.reasoning_tokens,
    usage_rollup_hour.cost_usd,
    usage_rollup_hour.unpriced,
    usage_rollup_hour.unpriced_tokens,
    usage_rollup_hour.ambiguous,
    usage_rollup_hour.duration_n,
    usage_rollup_hour.duration_sum,
    usage_rollup_hour.duration_min,
    usage_rollup_hour.duration_max,
    usage_rollup_hour.duration_keys,
    usage_rollup_hour.duration_counts,
    usage_rollup_hour.first_token_n,
    usage_rollup_hour.first_token_sum,
    usage_rollup_hour.first_token_min,
    usage_rollup_hour.first_token_max,
    usage_rollup_hour.first_token_keys,
    usage_rollup_hour.first_token_counts
   FROM (usage_rollup_hour
     JOIN usage_series ON ((usage_series.id = usage_rollup_hour.series)))
  WHERE (usage_series.margin = 'series'::text);

create view telemetry_model_hours as
 SELECT usage_rollup_hour.bucket,
    usage_series.model,
    usage_rollup_hour.requests,
    usage_rollup_hour.errors,
    usage_rollup_hour.input_tokens,
    usage_rollup_hour.output_tokens,
    usage_rollup_hour.cached_tokens,
    usage_rollup_hour.cache_write_tokens,
    usage_rollup_hour.cache_write_1h_tokens,
    usage_rollup_hour.reasoning_tokens,
    usage_rollup_hour.cost_usd,
    usage_rollup_hour.unpriced,
    usage_rollup_hour.unpriced_tokens,
    usage_rollup_hour.ambiguous,
    usage_rollup_hour.duration_n,
    usage_rollup_hour.duration_sum,
    usage_rollup_hour.duration_min,
    usage_rollup_hour.duration_max,
    usage_rollup_hour.duration_keys,
    usage_rollup_hour.duration_counts,
    usage_rollup_hour.first_token_n,
    usage_rollup_hour.first_token_sum,
    usage_rollup_hour.first_token_min,
    usage_rollup_hour.first_token_max,
    usage_rollup_hour.first_token_keys,
    usage_rollup_hour.first_token_counts
   FROM (usage_rollup_hour
     JOIN usage_series ON ((usage_series.id = usage_rollup_hour.series)))
  WHERE (usage_series.margin = 'model'::text);

create view telemetry_event_days as
 SELECT event_rollup_day.bucket,
    event_series.event_type,
    event_series.component,
    event_series.status,
    event_rollup_day.events,
    event_rollup_day.n,
    event_rollup_day.sum,
    event_rollup_day.min,
    event_rollup_day.max,
    event_rollup_day.tokens_generated,
    event_rollup_day.total_tokens,
    event_rollup_day.keys,
    event_rollup_day.counts
   FROM (event_rollup_day
     JOIN event_series ON ((event_series.id = event_rollup_day.series)))
  WHERE (event_series.margin = 'series'::text);

create view telemetry_component_days as
 SELECT event_rollup_day.bucket,
    event_series.component,
    event_rollup_day.events,
    event_rollup_day.n,
    event_rollup_day.sum,
    event_rollup_day.min,
    event_rollup_day.max,
    event_rollup_day.tokens_generated,
    event_rollup_day.total_tokens,
    event_rollup_day.keys,
    event_rollup_day.counts
   FROM (event_rollup_day
     JOIN event_series ON ((event_series.id = event_rollup_day.series)))
  WHERE (event_series.margin = 'component'::text);

create view telemetry_usage_days as
 SELECT usage_rollup_day.bucket,
    usage_series.model,
    usage_series.layer,
    usage_series.provider,
    usage_series.operation,
    usage_series.agent,
    usage_series.team,
    usage_series.project,
    usage_rollup_day.requests,
    usage_rollup_day.errors,
    usage_rollup_day.input_tokens,
    usage_rollup_day.output_tokens,
    usage_rollup_day.cached_tokens,
    usage_rollup_day.cache_write_tokens,
    usage_rollup_day.cache_write_1h_tokens,
    usage_rollup_day.reasoning_tokens,
    usage_rollup_day.cost_usd,
    usage_rollup_day.unpriced,
    usage_rollup_day.unpriced_tokens,
    usage_rollup_day.ambiguous,
    usage_rollup_day.duration_n,
    usage_rollup_day.duration_sum,
    usage_rollup_day.duration_min,
    usage_rollup_day.duration_max,
    usage_rollup_day.duration_keys,
    usage_rollup_day.duration_counts,
    usage_rollup_day.first_token_n,
    usage_rollup_day.first_token_sum,
    usage_rollup_day.first_token_min,
    usage_rollup_day.first_token_max,
    usage_rollup_day.first_token_keys,
    usage_rollup_day.first_token_counts
   FROM (usage_rollup_day
     JOIN usage_series ON ((usage_series.id = usage_rollup_day.series)))
  WHERE (usage_series.margin = 'series'::text);

create view telemetry_model_days as
 SELECT usage_rollup_day.bucket,
    usage_series.model,
    usage_rollup_day.requests,
    usage_rollup_day.errors,
    usage_rollup_day.input_tokens,
    usage_rollup_day.output_tokens,
    usage_rollup_day.cached_tokens,
    usage_rollup_day.cache_write_tokens,
    usage_rollup_day.cache_write_1h_tokens,
    usage_rollup_day.reasoning_tokens,
    usage_rollup_day.cost_usd,
    usage_rollup_day.unpriced,
    usage_rollup_day.unpriced_tokens,
    usage_rollup_day.ambiguous,
    usage_rollup_day.duration_n,
    usage_rollup_day.duration_sum,
    usage_rollup_day.duration_min,
    usage_rollup_day.duration_max,
    usage_rollup_day.duration_keys,
    usage_rollup_day.duration_counts,
    usage_rollup_day.first_token_n,
    usage_rollup_day.first_token_sum,
    usage_rollup_day.first_token_min,
    usage_rollup_day.first_token_max,
    usage_rollup_day.first_token_keys,
    usage_rollup_day.first_token_counts
   FROM (usage_rollup_day
     JOIN usage_series ON ((usage_series.id = usage_rollup_day.series)))
  WHERE (usage_series.margin = 'model'::text);
