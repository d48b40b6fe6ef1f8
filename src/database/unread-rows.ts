import { type RawBuilder, sql, type Transaction } from 'kysely';
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
        where partition_name = ${standard} and finished_at is null
          and place >= format('(%s,0)', blocks_done)::tid
      ) then false else rolled end`
    : sql.ref(column);
