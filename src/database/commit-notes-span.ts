import { type Kysely, sql } from 'kysely';
import { minuteMs } from '../units.ts';
import type { Database } from './schema.ts';

/** How long it is kept in mind what a transaction has stored. */
export const notedMs = minuteMs;

/** Forgets what whoever follows has seen long ago; collectors at it at once don't wait for each other. */
export async function forgetCommitNotes(db: Kysely<Database>): Promise<void> {
  await sql`
    delete from commit_notes where ctid = any(array(
      select ctid from commit_notes
      where written_at < clock_timestamp() - ${notedMs} * interval '1 millisecond'
      for update skip locked
    ))`.execute(db);
}
