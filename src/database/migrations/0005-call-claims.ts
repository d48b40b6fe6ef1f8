import { type Kysely, sql } from 'kysely';

/** Model calls that are stored, so that each is counted once; the release before claims none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists call_claims (
      -- A hash of what names the call.
      call_key uuid primary key,
      -- Where it is stored.
      row_id uuid not null,
      row_time timestamptz not null,
      claimed_at timestamptz not null default now()
    )`.execute(db);
}
