import { type RawBuilder, sql } from 'kysely';
import type { Floors } from './floors.ts';
import type { FreshParts } from './fresh-parts.ts';
import { margin } from './series.ts';
import { levels, quarterMs, quartersIn, type Shape } from './shapes.ts';
import type { SpanMs } from './spans.ts';
import type { Trx } from './state.ts';

/** The number of the rest of a shape; undefined as long as each series has one of its own. */
export async function restSeries(trx: Trx, { seriesTable }: Shape): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    select id from ${sql.table(seriesTable)} where margin = ${margin.rest}`.execute(trx);
  return rows[0]?.id;
}

const timeAt = (ms: number): RawBuilder<Date> =>
  Number.isFinite(ms)
    ? sql`${new Date(ms)}::timestamptz`
    : sql`${ms > 0 ? 'infinity' : '-infinity'}::timestamptz`;

/**
 * The begins of the quarter hours of a span in which there are records of the rest, whose dimensions
 * the rows alone know; undefined where rows of some are gone.
 */
export async function restQuarters(
  trx: Trx,
  shape: Shape,
  rest: number,
  { fromMs, toMs }: SpanMs,
  { quartersOf }: FreshParts,
  { rowsMs, levelsMs }: Floors,
): Promise<number[] | undefined> {
  const floorMs = Math.max(rowsMs[shape.kind], levelsMs.quarter);
  const of = (level: (typeof levels)[number]) => {
    const lengthMs = quartersIn[level] * quarterMs;
    return sql`select bucket from ${sql.table(shape.levelTables[level])}
      where series = ${rest} and bucket > ${timeAt(fromMs - lengthMs)}
        and bucket < ${timeAt(toMs)}`;
  };
  const isGone = sql`exists (
    select from (${sql.join(levels.map(of), sql` union all `)}) as every
    where bucket < ${timeAt(floorMs)})`;
  const { rows } = await sql<{ gone: boolean; quarters: number[] }>`
    select ${isGone} as gone, array(
      select distinct extract(epoch from bucket)::float8 * 1000 from (${of('quarter')}) as quarters
    ) as quarters`.execute(trx);
  const fresh = quartersOf(rest).filter((ms) => ms > fromMs - quarterMs && ms < toMs);
  if (rows[0]?.gone || fresh.some((ms) => ms < floorMs)) return undefined;
  return [...(rows[0]?.quarters ?? []), ...fresh];
}
