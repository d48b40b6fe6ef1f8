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

create table system_telemetry (
  id uuid not null default gen_random_uuid(),
  "timestamp" timestamp with time zone not null default now(),
  observed_at timestamp with time zone not null default now(),
  event_type text not null,
  component text,
  value double precision,
  metadata jsonb,
  status text
) partition by RANGE ("timestamp");

create table telemetry_audit (
  id uuid not null default gen_random_uuid(),
  recorded_at timestamp with time zone not null default now(),
  caller text not null,
  action text not null,
  detail jsonb not null,
  constraint telemetry_audit_pkey PRIMARY KEY (recorded_at, id)
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
  ambiguous boolean
) partition by RANGE ("timestamp");

create table batch_ledger_default partition of batch_ledger DEFAULT;

create table system_telemetry_default partition of system_telemetry DEFAULT;

create table usage_stats_default partition of usage_stats DEFAULT;

CREATE INDEX call_claims_claimed_at_idx ON public.call_claims USING btree (claimed_at);

CREATE INDEX system_telemetry_component_event_type_timestamp_idx ON system_telemetry USING btree (component, event_type, "timestamp");

CREATE INDEX system_telemetry_timestamp_idx ON system_telemetry USING btree ("timestamp");

CREATE INDEX usage_stats_timestamp_idx ON usage_stats USING btree ("timestamp");
