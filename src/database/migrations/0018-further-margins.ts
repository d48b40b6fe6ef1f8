import { type Kysely, sql } from 'kysely';

/**
 * From when on levels have margins that the release before does not know; before that, they are
 * written in the background, the newest first.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table rollup_state
      add column if not exists margins_from timestamptz not null default 'infinity'`.execute(db);
}
