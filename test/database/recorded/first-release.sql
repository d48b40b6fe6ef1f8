-- What the first release has made on a database with 10 older events, of which it has copied 4.
create table telemetry_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
create table telemetry_migration_lock (id varchar(255) not null primary key, is_locked integer default 0 not null);
insert into telemetry_migration values ('0001-initial', '2026-11-20T08:00:00.000Z');
insert into telemetry_migration_lock values ('migration_lock', 0);

create table adoption (
  source text primary key,
  target text not null,
  last_id bigint,
  rows_copied bigint not null default 0,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
create table system_telemetry_legacy (
  id serial, event_type varchar(50) not null, component varchar(100), value float,
  metadata jsonb, status varchar(20), timestamp timestamp default now()
);
create index system_telemetry_legacy_adoption on system_telemetry_legacy (id);
insert into system_telemetry_legacy (event_type, value) select 'OLD', n from generate_series(1, 10) as n;
insert into adoption (source, target, last_id, rows_copied)
  values ('system_telemetry_legacy', 'system_telemetry', 4, 4);

create table system_telemetry (
  id uuid not null default gen_random_uuid(),
  "timestamp" timestamptz not null default now(),
  observed_at timestamptz not null default now(),
  event_type text not null,
  component text,
  value double precision,
  metadata jsonb,
  status text
) partition by range ("timestamp");
create table system_telemetry_default partition of system_telemetry default;
create index on system_telemetry ("timestamp");
create index on system_telemetry (component, event_type, "timestamp");
create table usage_stats (
  id uuid not null default gen_random_uuid(),
  "timestamp" timestamptz not null default now(),
  observed_at timestamptz not null default now(),
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
  metadata jsonb
) partition by range ("timestamp");
create table usage_stats_default partition of usage_stats default;
create index on usage_stats ("timestamp");
create table batch_ledger (
  batch_id uuid primary key,
  fingerprint bytea not null,
  group_id uuid not null,
  answer jsonb,
  committed_at timestamptz not null default now()
) partition by range (batch_id);
create table batch_ledger_default partition of batch_ledger default;
create table dead_letters (
  id uuid primary key default gen_random_uuid(),
  batch_id uuid not null,
  table_name text not null,
  "row" bytea not null,
  payload jsonb not null,
  reason text not null,
  created_at timestamptz not null default now()
);

create table system_telemetry_until_20261021 (like system_telemetry including defaults);
alter table system_telemetry attach partition system_telemetry_until_20261021
  for values from (minvalue) to ('2026-10-21T00:00:00.000Z');
insert into system_telemetry (id, timestamp, event_type, value)
  select ('00000000-0000-8001-8000-' || lpad(to_hex(id), 12, '0'))::uuid, timestamp at time zone 'UTC', event_type, value
  from system_telemetry_legacy where id <= 4;
