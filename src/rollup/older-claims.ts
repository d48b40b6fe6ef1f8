import { type Kysely, sql } from 'kysely';
import { noteMoved } from '../database/moved-rows.ts';
import { hasOlderNames, takenOver } from '../database/older-names.ts';
import type { Database } from '../database/schema.ts';
import type { ChangedRow } from './corrections.ts';
import { FreshRows } from './fresh-rows.ts';
import type { SeriesCache } from './series-cache.ts';
import { lockState, type RollupWriter } from './state.ts';

const correctedTogether = 1000;
/** An index that has never had an entry has this page alone. */
const emptyIndexBytes = 8192;

/**
 * Takes over what is under older names in rows that a collector of the release before has claimed,
 * which knows nothing of these, and corrects what is rolled up of them.
 */
export async function correctOlderClaims(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
  signal: AbortSignal,
): Promise<void> {
  if (series.shape.kind !== 'usage') return;
  for (const leaf of await leavesWithClaims(db)) {
    for (let some = correctedTogether; some === correctedTogether && !signal.aborted; ) {
      some = await correctSome(writer, series, leaf);
    }
  }
}

/** Partitions with the index; others have no such rows yet, or are found once they have it. */
async function leavesWithClaims(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ leaf: string }>`
    select leaf.relname as leaf
    from pg_class as whole join pg_namespace as space on space.oid = whole.relnamespace
      join pg_inherits on inhparent = whole.oid
      join pg_index as own on own.indexrelid = inhrelid and own.indisvalid
      join pg_class as leaf on leaf.oid = own.indrelid
    where nspname = current_schema() and whole.relname = 'usage_stats_older_names_idx'
      and pg_relation_size(inhrelid) > ${emptyIndexBytes}`.execute(db);
  return rows.map(({ leaf }) => leaf);
}

async function correctSome(
  writer: RollupWriter,
  series: SeriesCache,
  leaf: string,
): Promise<number> {
  const { kind } = series.shape;
  const table = sql.table(leaf);
  return await writer.transaction(async (trx) => {
    await lockState(trx, true);
    const { rows } = await sql<ChangedRow>`
      with chosen as materialized (
        select ctid as place, id, "timestamp", xmin as before, to_jsonb(stored) as was
        from ${table} as stored where rolled and ${hasOlderNames}
        limit ${correctedTogether} for update skip locked
      ), changed as (
        update ${table} as stored set rolled = true ${takenOver(kind)}
        from chosen where stored.ctid = place
        returning was::text as before, to_jsonb(stored)::text as after, true as was_rolled
      ), noted as (
        ${noteMoved(kind, 'filled', sql`chosen`)}
      )
      select * from changed`.execute(trx);
    await new FreshRows([series]).correct(trx, kind, rows);
    return rows.length;
  });
}
