import { sql, type Transaction } from 'kysely';
import type { Database } from '../../database/schema.ts';
import type { RecordKind } from '../../records/tables.ts';
import { conditionOf, marginOf } from '../../rollup/question.ts';
import { margin } from '../../rollup/series.ts';
import { quarterMs } from '../../rollup/shapes.ts';
import type { Filter } from '../ask/filters.ts';
import { usOfMs } from '../ask/instants.ts';
import { ofAllTimes, shapeOf } from '../totals/rollup-parts.ts';

/** Of more, one is likely seen all the time. */
const seriesMax = 20;
/** More quarter hours than these are not counted. */
const quartersMax = 200;

interface LastSeen {
  /** The end of the quarter hour of the newest records; undefined: there are none. */
  readonly untilUs: number | undefined;
  /** How many others are newer than that, or more. */
  readonly newer: number;
}

/**
 * Where the newest records are that meet a filter, as rollups have it. They are behind by some
 * seconds, so that this says where to look first, and not what is there. Undefined where they can't
 * tell.
 */
export async function lastSeen(
  trx: Transaction<Database>,
  kind: RecordKind,
  filter: Filter,
): Promise<LastSeen | undefined> {
  const shape = shapeOf(kind);
  const { conditions, ofRows } = filter;
  const isKnown = conditions.every(({ column }) => shape.dimensions.includes(column));
  if (conditions.length === 0 || ofRows.length > 0 || !isKnown) return undefined;
  const asked = ofAllTimes(shape, filter);
  // Of single series there are too many to look for some of them first.
  const name = marginOf(asked);
  if (name === margin.series) return undefined;
  const [quarters, series] = [sql.table(shape.levelTables.quarter), sql.table(shape.seriesTable)];
  const { rows } = await sql<{ series: number; ms: number | null; newer: number }>`
    with wanted as materialized (
      select id from ${series} as known
      where margin = ${name} and ${conditionOf(asked)} limit ${seriesMax + 1}
    ), latest as materialized (
      select max(bucket) as bucket from wanted cross join lateral (
        select bucket from ${quarters} where series = id order by bucket desc limit 1
      ) as newest
    )
    select (select count(*) from wanted) as series, extract(epoch from bucket)::float8 * 1000 as ms, (
      select coalesce(sum(records), 0)::bigint from (
        select ${sql.ref(shape.count)} as records from ${quarters}
        where series = (select id from ${series} where margin = ${margin.all}) and bucket > latest.bucket
        order by bucket desc limit ${quartersMax}
      ) as later
    ) as newer
    from latest`.execute(trx);
  const [found] = rows;
  if (!found || found.series > seriesMax) return undefined;
  const untilUs = found.ms === null ? undefined : (found.ms + quarterMs) * usOfMs;
  return { untilUs, newer: found.newer };
}
