import { type RawBuilder, sql } from 'kysely';
import { isRolledTime } from '../database/rolled-time.ts';
import { packed } from './packed.ts';
import { columnsOf, margin, seriesHash } from './series.ts';
import type { Shape } from './shapes.ts';
import type { CountedSum } from './sums.ts';

const epochS = 946_684_800;
const quarterS = 900;

/** What of a row of `source` has a bit of its own, and what follows if it is there. */
interface Part {
  readonly isThere: RawBuilder<unknown>;
  readonly bytes?: RawBuilder<unknown>;
}

function partOfSum({ type, of, nullable }: CountedSum): Part {
  const sum = of('source');
  if (type === 'flag') return { isThere: sql`coalesce(${sum}, false)` };
  if (type === 'decimal')
    return { isThere: sql`${sum} is not null`, bytes: sql`numeric_send(${sum})` };
  const isThere = nullable ? sql`${sum} is not null` : sql`coalesce(${sum}, 0) <> 0`;
  return { isThere, bytes: sql`int8send((${sum})::bigint)` };
}

/** What a `Packer` writes of a row of `source` that is of some series. */
function record(
  shape: Shape,
  series: RawBuilder<unknown>,
  isRemoved: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const [first, ...others] = shape.values.map(({ column }) => sql.ref(`source.${column}`));
  const parts = [
    ...shape.sums.map(partOfSum),
    ...others.map((value) => ({
      isThere: sql`${value} is not null`,
      bytes: sql`float8send(${value})`,
    })),
  ];
  const bits = parts.map(
    ({ isThere }, index) => sql`case when ${isThere} then ${sql.lit(1 << index)} else 0 end`,
  );
  const payloads = parts.flatMap(({ isThere, bytes }) =>
    bytes ? [sql`case when ${isThere} then ${bytes} else ''::bytea end`] : [],
  );
  const mask = sql`(${sql.join(bits, sql` | `)})`;
  return sql`
    int4send(${series}
      | case when ${isRemoved} then ${sql.lit(packed.isRemoved)} else 0 end
      | case when ${first} is null then 0 else ${sql.lit(packed.hasValue)} end
      | case when ${mask} = 0 then 0 else ${sql.lit(packed.hasMore)} end)
    || coalesce(float8send(${first}), '')
    || case when ${mask} = 0 then ''::bytea else
      int4send(${mask}) || ${sql.join(payloads, sql` || `)} end`;
}

/**
 * The query `source` as packed records, one row a quarter hour: its number, records and data.
 * `isRemoved`: whether a row of it is taken away.
 */
export function packedSource(
  shape: Shape,
  isRemoved: RawBuilder<unknown> = sql`false`,
): RawBuilder<unknown> {
  const table = sql.table(shape.seriesTable);
  const rest = sql`(select id from ${table} where margin = ${margin.rest})`;
  const hash = seriesHash(margin.series, columnsOf(shape, 'source'));
  const time = sql`source."timestamp"`;
  return sql`
    select quarter, count(*)::int as events,
      int4send(-(quarter + ${sql.lit(packed.quarterOffset)})) || string_agg(record, ''::bytea) as data
    from (
      select floor((extract(epoch from ${time}) - ${sql.lit(epochS)}) / ${sql.lit(quarterS)})::int as quarter,
        ${record(shape, sql`coalesce(series.id, ${rest})`, isRemoved)} as record
      from source left join ${table} as series on series.hash = ${hash}
      where ${isRolledTime(time)}
    ) as records
    group by quarter`;
}

/** A statement by which the rows of the query `source` are rolled up, or taken away again. */
export const writeFresh = (
  shape: Shape,
  isRemoved?: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`
  insert into rollup_fresh (kind, events, data)
  select ${shape.kind}, events, data from (${packedSource(shape, isRemoved)}) as packed`;

/** Whether a row of `source` has no number for its series, and can get one. */
export function lacksSeries(shape: Shape, source: string): RawBuilder<boolean> {
  const table = sql.table(shape.seriesTable);
  const hash = seriesHash(margin.series, columnsOf(shape, source));
  return sql`
    (not exists (select from ${table} as known where known.hash = ${hash})
      and not exists (select from ${table} where margin = ${margin.rest}))`;
}
