import { type Kysely, sql } from 'kysely';

/** What cost, latency and attribution need. Every other writer's rows have the defaults. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table usage_stats
      add column if not exists cache_write_tokens bigint default 0,
      add column if not exists cache_write_1h_tokens bigint default 0,
      add column if not exists session_id text,
      add column if not exists response_id text,
      add column if not exists request_id text,
      add column if not exists agent text,
      add column if not exists user_id text,
      add column if not exists team text,
      add column if not exists project text,
      add column if not exists trace_id text,
      add column if not exists span_id text,
      add column if not exists time_to_first_token_ms double precision,
      add column if not exists status text,
      add column if not exists error_type text,
      add column if not exists service_tier text,
      -- client or computed; null without a cost, and in rows of the releases before.
      add column if not exists cost_source text,
      -- By which rule the tokens were counted.
      add column if not exists usage_rule text,
      -- True where a part of the tokens is greater than its whole.
      add column if not exists ambiguous boolean`.execute(db);
}
