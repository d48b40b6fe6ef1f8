import { type Kysely, sql } from 'kysely';

/** The tables of the first release; those that are there are left as they are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createAdoption(db);
  await createSystemTelemetry(db);
  await createUsageStats(db);
  await createBatchLedger(db);
  await createDeadLetters(db);
}

async function exists(db: Kysely<unknown>, table: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = current_schema() and relname = ${table}
    ) as found`.execute(db);
  return rows[0]?.found === true;
}

async function createAdoption(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists adoption (
      source text primary key,
      target text not null,
      last_id bigint,
      rows_copied bigint not null default 0,
      started_at timestamptz not null default now(),
      finished_at timestamptz
    )`.execute(db);
}

async function createSystemTelemetry(db: Kysely<unknown>): Promise<void> {
  if (!(await exists(db, 'system_telemetry'))) {
    await sql`
      create table system_telemetry (
        id uuid not null default gen_random_uuid(),
        "timestamp" timestamptz not null default now(),
        observed_at timestamptz not null default now(),
        event_type text not null,
        component text,
        value double precision,
        metadata jsonb,
        status text
      ) partition by range ("timestamp")`.execute(db);
    await sql`create index on system_telemetry ("timestamp")`.execute(db);
    await sql`create index on system_telemetry (component, event_type, "timestamp")`.execute(db);
  }
  await createDefaultPartition(db, 'system_telemetry');
}

/** Columns and defaults let the first generation's direct inserts go on. */
async function createUsageStats(db: Kysely<unknown>): Promise<void> {
  if (!(await exists(db, 'usage_stats'))) {
    await sql`
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
      ) partition by range ("timestamp")`.execute(db);
    await sql`create index on usage_stats ("timestamp")`.execute(db);
  }
  await createDefaultPartition(db, 'usage_stats');
}

/** Partitioned by the time inside the UUIDv7, so that old ids are forgotten by dropping. */
async function createBatchLedger(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists batch_ledger (
      batch_id uuid primary key,
      fingerprint bytea not null,
      group_id uuid not null,
      answer jsonb,
      committed_at timestamptz not null default now()
    ) partition by range (batch_id)`.execute(db);
  await createDefaultPartition(db, 'batch_ledger');
}

async function createDefaultPartition(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`
    create table if not exists ${sql.table(`${table}_default`)}
    partition of ${sql.table(table)} default`.execute(db);
}

async function createDeadLetters(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists dead_letters (
      id uuid primary key default gen_random_uuid(),
      batch_id uuid not null,
      table_name text not null,
      "row" bytea not null,
      payload jsonb not null,
      reason text not null,
      created_at timestamptz not null default now()
    )`.execute(db);
}
