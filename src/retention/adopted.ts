import { type Kysely, sql } from 'kysely';
import type { DataTable } from '../database/expected-tables.ts';
import type { Database } from '../database/schema.ts';
import { dayMs } from '../units.ts';

/** Adopted rows of a table. */
export interface Adopted {
  /** Those of before may be adopted; -Infinity where none are. */
  readonly untilMs: number;
  /** Older tables that are still there: `legacy drop` compares them with the rows. */
  readonly sources: readonly string[];
}

/** Older times may have been read in another zone than they were written in. */
const marginMs = dayMs;

export async function adoptedRows(db: Kysely<Database>, table: DataTable): Promise<Adopted> {
  const { rows } = await sql<{ ms: number | null; sources: string[] | null }>`
    select (extract(epoch from max(started_at)) * 1000)::bigint as ms,
      array_agg(source order by source) filter (where dropped_at is null) as sources
    from adoption
    where target = ${table} and (rows_copied > 0 or finished_at is null)`.execute(db);
  const { ms = null, sources = null } = rows[0] ?? {};
  return { untilMs: ms === null ? -Infinity : ms + marginMs, sources: sources ?? [] };
}
