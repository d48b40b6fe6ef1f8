import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../database/schema.ts';
import { aggregate, type Measured, type Sums } from './measures.ts';
import { groupColumn, type Parts, type Question } from './parts.ts';
import { type Placed, Places, type Totals } from './places.ts';

export interface GroupTotals {
  /** By the order of `groupBy`; null for records without. */
  readonly group: readonly (string | null)[];
  readonly totals: Totals;
  /** One for each part of the span; none where they are not told apart. */
  readonly points: readonly Totals[];
}

export interface AddedUp {
  readonly total: Totals;
  readonly points: readonly Totals[];
  /** Those that rank first, or those that were named, in their order. */
  readonly groups: readonly GroupTotals[];
  /** All others together. */
  readonly rest: GroupTotals | undefined;
  readonly restGroups: number;
}

/** Which groups are told apart: those that come first by what they add up to, or some by name. */
export type Chosen =
  | { readonly by: RawBuilder<unknown>; readonly limit: number }
  | { readonly groups: readonly GroupTotals['group'][] };

/** Adds parts up, in total, by group and by part of the span; undefined where they lack something. */
export async function readTotals(
  trx: Transaction<Database>,
  question: Question,
  parts: Parts,
  chosen: Chosen,
): Promise<AddedUp | undefined> {
  const { groupBy, measured, bordersUs, quantiles } = question;
  const isNamed = 'groups' in chosen;
  const { rows, found } = await ranked(trx, question, parts.sums, isNamed ? nothing : chosen);
  if (rows[0]?.is_unknown) return undefined;
  const total = sumsOf(measured, rows[0] as Row);
  const groups = isNamed
    ? chosen.groups
    : rows.slice(1).map((row) => groupBy.map((_, index) => row[`g${index}`] as string | null));
  const restGroups = isNamed ? 0 : found - groups.length;
  const places = new Places(measured, bordersUs ? bordersUs.length - 1 : 0);
  const placed = (query: RawBuilder<unknown>) => inPlaces(query, groups, groupBy.length);
  const isPlaced = bordersUs !== undefined || restGroups > 0 || isNamed;
  if (isPlaced) {
    for (const row of await placedSums(trx, measured, placed(parts.sums))) {
      places.addSums(row, sumsOf(measured, row));
    }
  }
  if (quantiles) {
    for (const row of await placedCells(trx, placed(parts.cells), parts.isPacked === true))
      places.addPacked(row, row);
  }
  const { cells } = places.all;
  return {
    total: { sums: total, cells },
    points: places.allPoints,
    groups: groups.map((group, index) => {
      const { sums, cells } = places.totalsOf(index + 1);
      const row = rows[index + 1];
      return {
        group,
        totals: { sums: isPlaced || !row ? sums : sumsOf(measured, row), cells },
        points: places.pointsOf(index + 1),
      };
    }),
    rest:
      restGroups > 0
        ? { group: [], totals: places.totalsOf(0), points: places.pointsOf(0) }
        : undefined,
    restGroups,
  };
}

const nothing = { by: sql`1`, limit: 0 };

type Row = Readonly<Record<string, string | number | boolean | null>>;

const sumsOf = ({ measures }: Measured, row: Row): Sums =>
  Object.fromEntries(measures.map(({ name }) => [name, row[name] as number | null]));

/** Whether something that was asked for is unknown of any of the parts. */
const isUnknown = ({ measures }: Measured): RawBuilder<boolean> => {
  const unknown = measures
    .filter(({ mayBeUnknown }) => mayBeUnknown)
    .map(({ name }) => sql`coalesce(bool_or(${sql.ref(name)} is null), false)`);
  return sql`(${sql.join([sql`false`, ...unknown], sql` or `)})`;
};

const aggregates = ({ measures }: Measured): RawBuilder<unknown> =>
  sql.join(measures.map((measure) => sql`${aggregate(measure)} as ${sql.ref(measure.name)}`));

/** The total first, then the groups that rank first; and how many groups there are. */
async function ranked(
  trx: Transaction<Database>,
  { groupBy, measured }: Question,
  sums: RawBuilder<unknown>,
  { by, limit }: { readonly by: RawBuilder<unknown>; readonly limit: number },
): Promise<{ rows: readonly Row[]; found: number }> {
  if (groupBy.length === 0) {
    const query = sql<Row>`
      select ${aggregates(measured)}, ${isUnknown(measured)} as is_unknown from (${sums}) as parts`;
    return { rows: (await query.execute(trx)).rows, found: 0 };
  }
  const columns = groupBy.map((_, index) => groupColumn(index));
  const groups = sql.join(columns);
  const byName = columns.map((column) => sql`${column} collate "C"`);
  // The first measure counts records: of some groups all were taken away.
  const records = sql.ref(measured.measures[0]?.name ?? '');
  const { rows } = await sql<Row & { found: number }>`
    select ${groups}, ${aggregates(measured)}, ${isUnknown(measured)} as is_unknown,
      count(*) over () as found
    from (${sums}) as parts
    group by grouping sets ((), (${groups}))
    having grouping(${columns[0]}) = 1 or sum(${records}) > 0
    order by grouping(${columns[0]}) desc, ${by} desc nulls last, ${sql.join(byName)}
    limit ${limit + 1}`.execute(trx);
  return { rows, found: (rows[0]?.found ?? 1) - 1 };
}

/** Parts with the `place` of their group, counted from 1, and 0 for all that have none. */
function inPlaces(
  query: RawBuilder<unknown>,
  groups: readonly (readonly (string | null)[])[],
  dimensions: number,
): RawBuilder<unknown> {
  if (dimensions === 0) return sql`(select 0 as place, parts.* from (${query}) as parts)`;
  const indices = Array.from({ length: dimensions }, (_, index) => index);
  const lists = indices.map((index) => sql`${groups.map((group) => group[index])}::text[]`);
  const names = indices.map((index) => sql.ref(`k${index}`));
  // Such that the lists can be hashed: `is not distinct from` can't be.
  const same = indices.map((index) => {
    const [ours, theirs] = [sql.ref(`parts.g${index}`), sql.ref(`kept.k${index}`)];
    return sql`(${ours} is null) = (${theirs} is null) and coalesce(${ours}, '') = coalesce(${theirs}, '')`;
  });
  return sql`(
    select coalesce(kept.place, 0) as place, parts.*
    from (${query}) as parts left join unnest(${sql.join(lists)})
      with ordinality as kept (${sql.join(names)}, place) on ${sql.join(same, sql` and `)})`;
}

async function placedSums(
  trx: Transaction<Database>,
  measured: Measured,
  placed: RawBuilder<unknown>,
): Promise<readonly (Row & Placed)[]> {
  const { rows } = await sql<Row & Placed>`
    select place::int as place, bucket, ${aggregates(measured)} from ${placed} as placed
    group by place, bucket`.execute(trx);
  return rows;
}

interface PlacedCells extends Placed {
  readonly what: number;
  readonly packed: Buffer;
}

async function placedCells(
  trx: Transaction<Database>,
  placed: RawBuilder<unknown>,
  isPacked: boolean,
): Promise<readonly PlacedCells[]> {
  const cell = isPacked ? sql`unnest(keys) as key, unnest(counts) as count` : sql`key, count`;
  const { rows } = await sql<PlacedCells>`
    select place::int as place, bucket, what,
      string_agg(int4send(key) || int8send(count), ''::bytea) as packed
    from (
      select place, bucket, what, key, sum(count)::bigint as count
      from (select place, bucket, what, ${cell} from ${placed} as placed) as each
      group by place, bucket, what, key having sum(count) > 0
    ) as cells
    group by place, bucket, what`.execute(trx);
  return rows;
}
