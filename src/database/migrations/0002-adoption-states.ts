import { type Kysely, sql } from 'kysely';

/** What is known of each adoption; nothing that the release before writes is in the way. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table adoption
      -- Part of the ids of its rows: a table that is created again repeats the older ids.
      add column if not exists number integer not null default 0,
      -- The bookmark where the older ids are no integers.
      add column if not exists last_key text,
      add column if not exists rows_total bigint,
      -- Rows that PostgreSQL does not take, which are kept as dead letters.
      add column if not exists rows_refused bigint not null default 0,
      -- Why no row is copied, and what to do.
      add column if not exists obstacle text,
      -- Whether some of the rows may have been copied before the bookmark was lost.
      add column if not exists checked boolean not null default false,
      add column if not exists dropped_at timestamptz`.execute(db);
}
