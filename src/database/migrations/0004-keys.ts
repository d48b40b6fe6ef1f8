import { type Kysely, sql } from 'kysely';

/** API keys, what operators did, and what collectors tell each other of how much keys are used. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists telemetry_keys (
      id text primary key,
      name text not null,
      -- SHA-256.
      secret_hash bytea not null,
      scopes text[] not null,
      records_per_second bigint,
      bytes_per_second bigint,
      buffer_share double precision,
      query_share double precision,
      certificate text,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      revoked_at timestamptz,
      last_used_at timestamptz
    )`.execute(db);
  await sql`
    create table if not exists telemetry_audit (
      id uuid default gen_random_uuid(),
      recorded_at timestamptz default now(),
      caller text not null,
      action text not null,
      detail jsonb not null,
      primary key (recorded_at, id)
    )`.execute(db);
  await sql`
    create table if not exists telemetry_key_demand (
      collector uuid primary key,
      seen_at timestamptz not null default now(),
      -- By name of a key, what its callers ask for: [records a second, bytes a second].
      demand jsonb not null
    )`.execute(db);
}
