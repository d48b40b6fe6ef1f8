import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { isRolledTime } from './rolled-time.ts';
import type { Database } from './schema.ts';

/** Rows from before there were rollups are read part by part, by whoever has locked how far that is. */
export async function holdReadingOff(trx: Transaction<Database>, standard: string): Promise<void> {
  await sql`
    select from rollup_history where partition_name = ${standard} and finished_at is null
    for update`.execute(trx);
}

/**
 * A column of a row that is moved out of the default partition: one that would still have been read
 * is claimed where it comes to.
 */
export const movedColumn = (column: string, standard: string): RawBuilder<unknown> =>
  column === 'rolled'
    ? sql`
      case when rolled is null and exists (
        select from rollup_history
        where partition_name = ${standard} and finished_at is null and "timestamp" >= read_to
      ) then false else rolled end`
    : sql.ref(column);

export const quarterOf = (time: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`date_bin('15 minutes', ${time}, timestamptz '2000-01-01 00:00:00+00')`;

/** A query of the quarter hours of some rows: from one to the next by the index, most have many. */
export const quartersOf = (table: string, condition: RawBuilder<unknown>): RawBuilder<unknown> => {
  const first = (from: RawBuilder<unknown>) => sql`
    select ${quarterOf(sql`min("timestamp")`)} as bucket from ${sql.table(table)}
    where ${condition} and ${isRolledTime(sql`"timestamp"`)} and ${from}`;
  return sql`
    with recursive quarters as (
      ${first(sql`true`)}
      union all
      select (${first(sql`"timestamp" >= bucket + interval '15 minutes'`)})
      from quarters where bucket is not null
    )
    select bucket from quarters where bucket is not null`;
};

/**
 * Has all quarter hours computed anew in which a partition has rows from before there were rollups:
 * for where nobody knows which of them have been read.
 */
export async function noteUnread(db: Kysely<Database>, kind: string, leaf: string): Promise<void> {
  await sql`
    insert into rollup_repairs (kind, bucket)
    select ${kind}, bucket from (${quartersOf(leaf, sql`rolled is null`)}) as quarters
    on conflict (kind, bucket) do update set noted_at = now()`.execute(db);
}
