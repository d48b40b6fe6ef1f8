import { type RawBuilder, sql } from 'kysely';
import { packed } from './packed.ts';
import { columnsOf, margin, seriesHash } from './series.ts';
import type { Shape } from './shapes.ts';

const epochS = 946_684_800;
const quarterS = 900;

/** Times that queries show, and that are rolled up: an older service may have written others. */
export const isRolledTime = (column: RawBuilder<unknown>): RawBuilder<boolean> => sql`
  ${column} >= timestamptz '1700-01-01 UTC' and ${column} < timestamptz '2250-01-01 UTC'`;

/** A whole number of a record's metadata, as `MetadataSums` reads it. */
const metadataSum = (name: string, source: string): RawBuilder<number | null> => {
  const metadata = sql.ref(`${source}.metadata`);
  return sql`(case when jsonb_typeof(${metadata} -> ${sql.lit(name)}) = 'number' then
    least(greatest(trunc((${metadata} ->> ${sql.lit(name)})::numeric), -9007199254740991), 9007199254740991)
    end)`;
};

export const sumOf = (shape: Shape, name: string, source: string): RawBuilder<number | null> =>
  shape.sumsInMetadata ? metadataSum(name, source) : sql`${sql.ref(`${source}.${name}`)}`;

/** What a `Packer` writes of a row of `source` that is of some series. */
function record(shape: Shape, series: RawBuilder<unknown>): RawBuilder<unknown> {
  const value = sql.ref(`source.${shape.value}`);
  const sums = shape.sums.map((name) => sumOf(shape, name, 'source'));
  const hasNone = sql`num_nonnulls(${sql.join(sums)}) = 0`;
  const bytes = sums.map((sum) => sql`float8send(coalesce((${sum})::float8, 'NaN'))`);
  return sql`
    int4send(${series}
      | case when ${value} is null then 0 else ${sql.lit(packed.hasValue)} end
      | case when ${hasNone} then 0 else ${sql.lit(packed.hasSums)} end)
    || coalesce(float8send(${value}), '')
    || case when ${hasNone} then ''::bytea else ${sql.join(bytes, sql` || `)} end`;
}

/** The query `source` as packed records, one row a quarter hour: its number, events and data. */
export function packedSource(shape: Shape): RawBuilder<unknown> {
  const table = sql.table(shape.seriesTable);
  const rest = sql`(select id from ${table} where margin = ${margin.rest})`;
  const hash = seriesHash(margin.series, columnsOf(shape, 'source'));
  const time = sql`source."timestamp"`;
  return sql`
    select quarter, count(*)::int as events,
      int4send(-(quarter + ${sql.lit(packed.quarterOffset)})) || string_agg(record, ''::bytea) as data
    from (
      select floor((extract(epoch from ${time}) - ${sql.lit(epochS)}) / ${sql.lit(quarterS)})::int as quarter,
        ${record(shape, sql`coalesce(series.id, ${rest})`)} as record
      from source left join ${table} as series on series.hash = ${hash}
      where ${isRolledTime(time)}
    ) as records
    group by quarter`;
}

/** Whether a row of `source` has no number for its series, and can get one. */
export function lacksSeries(shape: Shape, source: string): RawBuilder<boolean> {
  const table = sql.table(shape.seriesTable);
  const hash = seriesHash(margin.series, columnsOf(shape, source));
  return sql`
    (not exists (select from ${table} as known where known.hash = ${hash})
      and not exists (select from ${table} where margin = ${margin.rest}))`;
}
