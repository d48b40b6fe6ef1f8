import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { rowsFloor } from './floors.ts';
import { foldAll } from './fold.ts';
import { rebuildPart } from './rebuild.ts';
import { margin } from './series.ts';
import type { SeriesCache } from './series-cache.ts';
import { quarterMs } from './shapes.ts';
import type { RollupWriter } from './state.ts';

/** A quarter hour with many records waits until it has ended and has been left alone for so long. */
const repairAfter = sql`interval '1 minute'`;
const fewRecords = 5000;

/**
 * Computes one of the quarter hours anew that `noteRepairs` has noted; false where none is due.
 */
export async function repair(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
): Promise<boolean> {
  const { kind, count, levelTables, seriesTable } = series.shape;
  // Where rows are gone there is nothing to compute it from.
  await sql`
    delete from rollup_repairs
    where kind = ${kind} and bucket < (select ${sql.ref(rowsFloor[kind])} from rollup_state)`.execute(
    db,
  );
  const { rows } = await sql<{ bucket: Date }>`
    select bucket from rollup_repairs
    where kind = ${kind} and noted_at <= now() and (
        noted_at < now() - ${repairAfter} and bucket < (select settled_at from rollup_state)
        or ${fewRecords} > coalesce((
          select sum(${sql.ref(count)})
          from ${sql.table(levelTables.quarter)} as level join ${sql.table(seriesTable)} on id = series
          where margin = ${margin.all} and level.bucket = rollup_repairs.bucket
        ), 0)
      ) and not exists (
        select from rollup_history as history
        where history.kind = ${kind} and finished_at is null
      )
    order by bucket limit 1`.execute(db);
  const from = rows[0]?.bucket;
  if (!from) return false;
  await rebuildPart(db, writer, series, { from, to: new Date(from.getTime() + quarterMs) });
  return true;
}

/**
 * Computes anew what can be by now, before rows go: the least and the greatest value of those of
 * which some were taken away, only the rows know.
 */
export async function repairBeforehand(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
): Promise<void> {
  await foldAll(writer);
  while (await repair(db, writer, series));
}
