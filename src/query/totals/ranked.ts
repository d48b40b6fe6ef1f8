import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../database/schema.ts';
import { aggregate, type Measure, type Measured, partly, type Sums } from './measures.ts';
import { type Group, groupColumn, listed, type Question } from './parts.ts';
import { inPlaces, type Placed } from './places-sql.ts';
import type { Chosen } from './read-totals.ts';

interface RankedAndPlaced {
  /** Of all; undefined where something that was asked for is unknown of any of the parts. */
  readonly total: Sums | undefined;
  /** The groups that rank first, and how many there are. */
  readonly ranked: readonly Group[];
  readonly found: number;
  readonly placed: readonly (Placed & { readonly sums: Sums })[];
}

type Row = Readonly<Record<string, string | number | boolean | null>> & {
  readonly place: number;
  /** Of what is placed: parts of the span, and of each measure the sums in the same order. */
  readonly points: readonly [buckets: number[], ...sums: (number | null)[][]] | null;
};

/** What parts add up to: in total, which groups come first by it, and by place and part of the span. */
export async function rankedAndPlaced(
  trx: Transaction<Database>,
  question: Question,
  sums: RawBuilder<unknown>,
  chosen: Chosen,
): Promise<RankedAndPlaced> {
  const { groupBy, measured } = question;
  const isNamed = 'groups' in chosen;
  const groups = groupBy.map((_, index) => groupColumn(index));
  const none = groups.map(() => sql`null::text`);
  const kept = isNamed
    ? chosen
    : { query: sql`select place, ${sql.join(groups)} from ranked where place > 0` };
  // In one piece: a row for each of thousands takes several times as long to read.
  const points = sql`json_build_array(${sql.join(
    [sql.ref('bucket'), ...names(measured)].map((column) => sql`array_agg(${column})`),
  )})`;
  const { rows } = await sql<Row>`
    with grouped as materialized (${grouped(question, sums)}),
    ranked as materialized (${ranked(question, isNamed ? nothing : chosen)})
    select place, ${listed([...groups, ...names(measured)])} is_unknown, found, null::json as points
    from ranked
    union all
    select place, ${listed([...none, ...names(measured).map(() => sql`null`)])} false, 0, ${points}
    from (
      select place, bucket, ${sql.join(aggregates(measured))}
      from ${inPlaces(sql`select * from grouped`, kept, groups.length)} as placed
      group by place, bucket
    ) as placed
    group by place`.execute(trx);
  const sumsOf = (row: Row): Sums => {
    const sums: Record<string, number | null> = {};
    for (const { name } of measured.measures) sums[name] = row[name] as number | null;
    return sums;
  };
  const first = rows.filter((row) => row.points === null).sort((a, b) => a.place - b.place);
  const [total] = first;
  return {
    total: total && !total.is_unknown ? sumsOf(total) : undefined,
    ranked: first
      .slice(1)
      .map((row) => groupBy.map((_, index) => row[`g${index}`] as string | null)),
    found: Number(total?.found ?? 0),
    placed: rows.flatMap((row) => placedOf(measured, row)),
  };
}

function placedOf({ measures }: Measured, { place, points }: Row) {
  const [buckets, ...lists] = points ?? [[]];
  return buckets.map((bucket, at) => {
    const sums: Record<string, number | null> = {};
    for (let index = 0; index < measures.length; index++) {
      sums[(measures[index] as Measure).name] = lists[index]?.[at] ?? null;
    }
    return { place, bucket, sums };
  });
}

const nothing = { by: sql`1`, limit: 0 };

const names = ({ measures }: Measured): RawBuilder<unknown>[] =>
  measures.map(({ name }) => sql.ref(name));

const aggregates = ({ measures }: Measured): RawBuilder<unknown>[] =>
  measures.map((measure) => sql`${aggregate(measure)} as ${sql.ref(measure.name)}`);

/** Parts are read once, and added up by group and part of the span, before all else. */
function grouped({ groupBy, measured, bordersUs }: Question, sums: RawBuilder<unknown>) {
  const groups = groupBy.map((_, index) => groupColumn(index));
  const places = bordersUs ? [...groups, sql.ref('bucket')] : groups;
  const shown = bordersUs ? places : [...places, sql`0 as bucket`];
  const added = measured.measures.map(
    (measure) => sql`${partly(measure)} as ${sql.ref(measure.name)}`,
  );
  // A constant can't be grouped by.
  const by = places.length > 0 ? sql`group by ${sql.join(places)}` : sql``;
  return sql`
    select ${listed([...shown, ...added])} ${isUnknown(measured)} as is_unknown
    from (${sums}) as parts ${by}`;
}

/** Whether something that was asked for is unknown of any of the parts. */
const isUnknown = ({ measures }: Measured): RawBuilder<boolean> => {
  const unknown = measures
    .filter(({ mayBeUnknown }) => mayBeUnknown)
    .map(({ name }) => sql`coalesce(bool_or(${sql.ref(name)} is null), false)`);
  return sql`(${sql.join([sql`false`, ...unknown], sql` or `)})`;
};

/** The total as place 0, then the groups that rank first; and how many groups there are. */
function ranked(
  { groupBy, measured }: Question,
  { by, limit }: { readonly by: RawBuilder<unknown>; readonly limit: number },
): RawBuilder<unknown> {
  const unknown = sql`coalesce(bool_or(is_unknown), false) as is_unknown`;
  if (groupBy.length === 0) {
    return sql`
      select 0 as place, ${listed(aggregates(measured))} ${unknown}, 0 as found from grouped`;
  }
  const columns = groupBy.map((_, index) => groupColumn(index));
  const groups = sql.join(columns);
  const byName = columns.map((column) => sql`${column} collate "C"`);
  // The first measure counts records: of some groups all were taken away.
  const records = sql.ref(measured.measures[0]?.name ?? '');
  const order = sql`
    grouping(${columns[0]}) desc, ${by} desc nulls last, ${sql.join(byName)}`;
  return sql`
    select (row_number() over (order by ${order}))::int - 1 as place, ${groups},
      ${listed(aggregates(measured))} ${unknown}, count(*) over ()::int - 1 as found
    from grouped
    group by grouping sets ((), (${groups}))
    having grouping(${columns[0]}) = 1 or sum(${records}) > 0
    order by 1 limit ${limit + 1}`;
}
