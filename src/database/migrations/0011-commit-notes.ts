import { type Kysely, sql } from 'kysely';

/** What each transaction has stored, for those who follow; the release before notes nothing. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists commit_notes (
      xid xid8 not null default pg_current_xact_id(),
      -- By which it is forgotten: at the end of the transaction, more or less.
      written_at timestamptz not null default clock_timestamp(),
      kind text not null,
      -- Rows that it has stored, and the spans that their times lie in: pairs of microseconds
      -- since 2000.
      rows integer not null,
      times bigint[] not null,
      -- Rows of others that it has written again, by which way, and who had written them before.
      moved text,
      ids uuid[],
      before xid[]
    ) with (autovacuum_vacuum_scale_factor = 0.1)`.execute(db);
  await sql`create index if not exists commit_notes_xid_idx on commit_notes (xid)`.execute(db);
}
