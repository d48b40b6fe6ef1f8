import { type RawBuilder, sql } from 'kysely';
import { workOnPart } from './levels-of-before.ts';
import { isApart, margin } from './series.ts';
import { eventShape, type Level, levels, type Shape } from './shapes.ts';
import type { RollupWriter, Trx } from './state.ts';

/**
 * Counts apart in the levels what was rolled up before anybody did so: a day at a time, the newest
 * first. False where nothing is left, or another collector is at work.
 */
export async function countDayApart(writer: RollupWriter): Promise<boolean> {
  return await workOnPart(writer, {
    marker: 'not_ok_from',
    by: 'day',
    shapes: [eventShape],
    levels,
    to: (trx, shape, level, { begin, end }) => countApart(trx, shape, level, begin, end),
  });
}

/**
 * Counts apart in a level what a collector of the release before has written there. What is of a
 * series and what is of the rest stays as it is: of the one it is known, of the other it is not.
 */
export async function countApart(
  trx: Trx,
  shape: Shape,
  level: Level,
  from: RawBuilder<unknown>,
  to: RawBuilder<unknown>,
): Promise<void> {
  if (!shape.apart) return;
  const [name, count] = [sql.ref(shape.apart.name), sql.ref(shape.count)];
  const [table, series] = [sql.table(shape.levelTables[level]), sql.table(shape.seriesTable)];
  await sql`
    with d as materialized (
      select level.ctid as place, bucket, series, ${count} as records, ${name} as known, margin,
        margins, ${isApart(shape, 'each')} as is_apart
      from ${table} as level join ${series} as each on id = series
      where bucket >= ${from} and bucket < ${to}
    ), apart as (
      select bucket, whole as series,
        sum(records) filter (where is_apart) as records, bool_or(margin = ${margin.rest}) as has_rest
      from d cross join unnest(margins) as whole
      where is_apart or margin = ${margin.rest} group by 1, 2
    ), lacking as (
      select place, bucket, series, known, sum(known) over same as others,
        row_number() over (partition by bucket, series, known is null) as number
      from d where margin not in (${margin.series}, ${margin.rest})
      window same as (partition by bucket, series)
    )
    update ${table} as level
    set ${name} = case when number = 1 then coalesce(records, 0) - coalesce(others, 0) else 0 end
    from lacking left join apart using (bucket, series)
    where level.ctid = place and known is null and has_rest is not true`.execute(trx);
}
