import { type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';
import { noteUnread } from '../unread-rows.ts';

/**
 * Rows from before there were rollups are read in the order of their times: their places are others
 * after whatever writes a table anew. The release before, which goes by places, is kept from
 * reading in the same partition.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table rollup_history
      add column if not exists read_to timestamptz not null default '-infinity'`.execute(db);
  // Where it is in the middle, what was read is computed anew: nobody knows whether it was moved.
  const { rows } = await sql<{ kind: string; leaf: string; exists: boolean }>`
    update rollup_history set finished_at = now()
    where blocks_done > 0 and finished_at is null
    returning kind, partition_name as leaf, exists (
      select from pg_class join pg_namespace as space on space.oid = relnamespace
      where nspname = current_schema() and relname = partition_name
    ) as exists`.execute(db);
  for (const { kind, leaf, exists } of rows) {
    if (exists) await noteUnread(db as Kysely<Database>, kind, leaf);
  }
  await sql`alter table rollup_history drop constraint if exists rollup_history_by_time`.execute(
    db,
  );
  await sql`
    alter table rollup_history add constraint rollup_history_by_time
      check (blocks_done = 0 or finished_at is not null and read_to = '-infinity')`.execute(db);
}
