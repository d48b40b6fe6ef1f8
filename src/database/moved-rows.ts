import { type RawBuilder, sql } from 'kysely';
import type { RecordKind } from '../records/tables.ts';

/** Why a row is written again: claimed for rollups, or since a later record of its call says more. */
export type Move = 'swept' | 'filled';

/**
 * The statement that notes rows which a transaction writes again, so that whoever follows tells
 * them from new ones. `rows` has of each its id, its timestamp, and who had written it before.
 */
export function noteMoved(
  kind: RecordKind,
  moved: Move,
  rows: RawBuilder<unknown>,
  table: RawBuilder<unknown> = sql.table('commit_notes'),
): RawBuilder<unknown> {
  const us = sql`((extract(epoch from "timestamp") - 946684800) * 1000000)::bigint`;
  const time = sql`case when isfinite("timestamp") then ${us} end`;
  return sql`
    insert into ${table} (kind, rows, times, moved, ids, before)
    select ${kind}, 0, array[coalesce(min(${time}), 0), coalesce(max(${time}), 0)], ${moved},
      array_agg(id), array_agg(before)
    from ${rows} having count(*) > 0`;
}
