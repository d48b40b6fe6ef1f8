import { type Kysely, sql } from 'kysely';

/**
 * How many events of a row of many series have not gone well; null where nobody has counted them,
 * as in rows of before and those of a collector of the release before.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const level of ['quarter', 'hour', 'day']) {
    await sql`
      alter table ${sql.table(`event_rollup_${level}`)}
        add column if not exists not_ok bigint`.execute(db);
  }
  // Before that, days of before are counted in the background, the newest first.
  await sql`
    alter table rollup_state
      add column if not exists not_ok_from timestamptz not null default 'infinity'`.execute(db);
}
