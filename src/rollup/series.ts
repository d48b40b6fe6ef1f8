import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { SeriesValues } from './packer.ts';
import { all, type Margin, marginsOf, type Shape } from './shapes.ts';

/** What a row of a table of series stands for, beside the dimensions that have rows of their own. */
export const margin = {
  /** One series. */
  series: 'series',
  /** Everything. */
  all,
  /** Series that came when there were too many. */
  rest: 'rest',
} as const;

/** Whether records of a row of a table of series are counted apart; null where some of them are. */
export const isApart = ({ apart }: Shape, table: string): RawBuilder<boolean | null> =>
  apart
    ? sql`(case when ${sql.ref(`${table}.margin`)} = ${sql.lit(margin.series)} then ${apart.of(table)} end)`
    : sql`null::boolean`;

/** Series that get margins in one transaction, for which those wait who need new series. */
const changedTogether = 5000;

const nullArray = (columns: readonly RawBuilder<unknown>[]) => sql.join(columns);

/** By what a series is found; `columns`: its values. */
export const seriesHash = (
  name: string,
  columns: readonly RawBuilder<unknown>[],
): RawBuilder<string> =>
  sql`md5(jsonb_build_array(${name}::text, ${nullArray(columns)})::text)::uuid`;

interface KnownSeries {
  readonly id: number;
  readonly values: SeriesValues;
}

export interface SeriesFound {
  readonly series: readonly KnownSeries[];
  /** The number of all others, once there are as many series as there may be; 0 before. */
  readonly rest: number;
}

/**
 * Gives series numbers, all of them or none, and commits that. There is one rest, and once it is
 * there no series becomes one of its own any more: whoever asks, now or later, finds the same.
 */
export async function createSeries(
  db: Kysely<Database>,
  shape: Shape,
  wanted: readonly SeriesValues[],
  seriesMax: number,
): Promise<SeriesFound> {
  const known = await findSeries(db, shape, wanted);
  if (known.length === wanted.length) return { series: known, rest: 0 };
  return await db.transaction().execute(async (trx) => {
    await sql`lock table ${sql.table(shape.seriesTable)} in share row exclusive mode`.execute(trx);
    const { count, rest } = await countSeries(trx, shape);
    if (rest > 0) return await allSeries(trx, shape);
    await insertSeries(trx, shape, wanted.slice(0, Math.max(0, seriesMax - count)));
    if (count + wanted.length < seriesMax)
      return { series: await findSeries(trx, shape, wanted), rest };
    await insertRest(trx, shape);
    return await allSeries(trx, shape);
  });
}

/** Those that there are of some. */
export async function findSeries(
  db: Kysely<Database>,
  shape: Shape,
  wanted: readonly SeriesValues[],
): Promise<KnownSeries[]> {
  const { rows } = await sql<{ id: number; values: (string | null)[] }>`
    with wanted as (${listed(shape, wanted)})
    select id, array[${sql.join(shape.dimensions.map((name) => sql.ref(`wanted.${name}`)))}] as values
    from wanted join ${sql.table(shape.seriesTable)} as series
      on series.hash = ${seriesHash(margin.series, columnsOf(shape, 'wanted'))}`.execute(db);
  return rows;
}

/** Every series, and the rest. */
export async function allSeries(db: Kysely<Database>, shape: Shape): Promise<SeriesFound> {
  const { rows } = await sql<{ id: number; margin: string; values: (string | null)[] }>`
    select id, margin, array[${sql.join(shape.dimensions.map((name) => sql.ref(name)))}] as values
    from ${sql.table(shape.seriesTable)}
    where margin in (${margin.series}, ${margin.rest})`.execute(db);
  return {
    series: rows.filter((row) => row.margin === margin.series),
    rest: rows.find((row) => row.margin === margin.rest)?.id ?? 0,
  };
}

/** What levels have of a series beside its own rows. */
export interface SeriesInLevels {
  readonly id: number;
  /** The series of margins that it is a part of. */
  readonly margins: readonly number[];
  /** See `isApart`. */
  readonly isApart: boolean | null;
}

/** By their numbers. */
export async function seriesInLevels(
  trx: Transaction<Database>,
  shape: Shape,
  ids: Iterable<number>,
): Promise<Map<number, SeriesInLevels>> {
  const { rows } = await sql<SeriesInLevels>`
    select id, margins, ${isApart(shape, 'series')} as "isApart"
    from ${sql.table(shape.seriesTable)} as series where id = any(${[...new Set(ids)]}::int[])`.execute(
    trx,
  );
  return new Map(rows.map((each) => [each.id, each]));
}

async function countSeries(trx: Transaction<Database>, shape: Shape) {
  const { rows } = await sql<{ count: number; rest: number }>`
    select count(*) as count, coalesce(max(id) filter (where margin = ${margin.rest}), 0) as rest
    from ${sql.table(shape.seriesTable)} where margin in (${margin.series}, ${margin.rest})`.execute(
    trx,
  );
  return rows[0] as { count: number; rest: number };
}

export const columnsOf = (shape: Shape, table: string): RawBuilder<unknown>[] =>
  shape.dimensions.map((name) => sql.ref(`${table}.${name}`));

/** Series as a table. */
function listed(shape: Shape, wanted: readonly SeriesValues[]): RawBuilder<unknown> {
  const arrays = shape.dimensions.map(
    (_, index) => sql`${wanted.map((values) => values[index] ?? null)}::text[]`,
  );
  const names = sql.join(shape.dimensions.map((name) => sql.ref(name)));
  return sql`select * from unnest(${sql.join(arrays)}) as wanted (${names})`;
}

/** The rows of margins that the series `wanted` are part of, as far as they are not there. */
async function insertMargins(
  trx: Transaction<Database>,
  shape: Shape,
  wanted: RawBuilder<unknown>,
): Promise<void> {
  const names = sql.join(shape.dimensions.map((name) => sql.ref(name)));
  const rows = marginsOf(shape).map((each) => {
    const columns = columnsOfMargin(shape, each);
    return sql`
      select distinct ${seriesHash(each.name, columns)} as hash, ${each.name}::text as margin,
        ${sql.join(columns)}
      from wanted`;
  });
  await sql`
    with wanted as (${wanted})
    insert into ${sql.table(shape.seriesTable)} (hash, margin, ${names}) ${sql.join(rows, sql` union all `)}
    on conflict do nothing`.execute(trx);
}

/** What a margin has of a series of `wanted`. */
const columnsOfMargin = (shape: Shape, { dimensions }: Margin): RawBuilder<unknown>[] =>
  shape.dimensions.map((name) =>
    dimensions.includes(name) ? sql.ref(`wanted.${name}`) : sql`null::text`,
  );

/** The margins of a series of `wanted`: those last that the release before does not know. */
function idsOfMargins(shape: Shape): RawBuilder<unknown> {
  const hashes = marginsOf(shape).map((each) =>
    seriesHash(each.name, columnsOfMargin(shape, each)),
  );
  const later = shape.laterMargins.map(({ name }) => name);
  return sql`array(
    select id from ${sql.table(shape.seriesTable)} as whole where whole.hash in (${sql.join(hashes)})
    order by coalesce(array_position(${later}::text[], whole.margin), 0), id)`;
}

/** Gives series of a collector that does not know all margins those that lack; false: none does. */
export async function addMargins(db: Kysely<Database>, shape: Shape): Promise<boolean> {
  const table = sql.table(shape.seriesTable);
  const lacking = sql`
    select * from ${table}
    where margin = ${margin.series} and cardinality(margins) < ${marginsOf(shape).length}
    order by id limit ${changedTogether}`;
  if ((await sql`${lacking}`.execute(db)).rows.length === 0) return false;
  await db.transaction().execute(async (trx) => {
    await sql`lock table ${table} in share row exclusive mode`.execute(trx);
    await insertMargins(trx, shape, lacking);
    await sql`
      with wanted as (${lacking})
      update ${table} as series set margins = ${idsOfMargins(shape)}
      from wanted where series.id = wanted.id`.execute(trx);
  });
  return true;
}

async function insertSeries(
  trx: Transaction<Database>,
  shape: Shape,
  wanted: readonly SeriesValues[],
): Promise<void> {
  if (wanted.length === 0) return;
  const table = sql.table(shape.seriesTable);
  const names = sql.join(shape.dimensions.map((name) => sql.ref(name)));
  await insertMargins(trx, shape, listed(shape, wanted));
  await sql`
    with wanted as (${listed(shape, wanted)})
    insert into ${table} (hash, margin, ${names}, margins)
    select ${seriesHash(margin.series, columnsOf(shape, 'wanted'))}, ${margin.series}, ${names},
      ${idsOfMargins(shape)}
    from wanted on conflict do nothing`.execute(trx);
}

async function insertRest(trx: Transaction<Database>, shape: Shape): Promise<void> {
  const table = sql.table(shape.seriesTable);
  const nothing = shape.dimensions.map(() => sql`null::text`);
  await sql`
    insert into ${table} (hash, margin, margins)
    select ${seriesHash(margin.rest, nothing)}, ${margin.rest},
      array(select id from ${table} where margin = ${margin.all})`.execute(trx);
}
