import { sql } from 'kysely';
import type { Aggregates } from './aggregates.ts';
import type { Shape } from './shapes.ts';
import { type Trx, timeOf } from './state.ts';

/**
 * Notes the quarter hours from which the least or the greatest value of a series was taken away:
 * which one is it now, only the rows know, and what such a value left of the sum may be off by its
 * rounding. They are computed anew; until then questions are answered from their rows.
 */
export async function noteRepairs(trx: Trx, shape: Shape, totals: Aggregates): Promise<void> {
  const { firsts, seconds } = totals.places;
  for (const [index, { prefix }] of shape.values.entries()) {
    const value = totals.values[index];
    const removed = Array.from({ length: totals.size }, (_, place) => ({
      bucket: timeOf(firsts[place] as number),
      series: seconds[place],
      least: value?.removedMin[place] as number,
      greatest: value?.removedMax[place] as number,
    })).filter(({ least, greatest }) => least <= greatest);
    if (removed.length === 0) continue;
    await sql`
      insert into rollup_repairs (kind, bucket)
      select distinct ${shape.kind}, bucket
      from json_to_recordset(${JSON.stringify(removed)}::json)
        as removed (bucket timestamptz, series int, least float8, greatest float8)
        join ${sql.table(shape.levelTables.quarter)} as level using (bucket, series)
      where level.${sql.ref(`${prefix}min`)} >= least or level.${sql.ref(`${prefix}max`)} <= greatest
      on conflict (kind, bucket) do update set noted_at = now()`.execute(trx);
  }
}
