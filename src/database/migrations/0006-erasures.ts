import { type Kysely, sql } from 'kysely';

/** Whom nothing is to be stored of that was sent before: what spools hold is not written. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists erasures (
      id uuid primary key default gen_random_uuid(),
      -- user_id or session_id.
      field text not null,
      -- SHA-256 of its value.
      hash bytea not null,
      erased_at timestamptz not null default clock_timestamp()
    )`.execute(db);
}
