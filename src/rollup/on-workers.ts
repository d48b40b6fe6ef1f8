import { type Kysely, type RawBuilder, sql } from 'kysely';
import { rowsOf, takenOver } from '../database/older-names.ts';
import type { Database } from '../database/schema.ts';
import { writeFresh } from './pack-sql.ts';
import type { SeriesValues } from './packer.ts';
import { allSeries, columnsOf, findSeries } from './series.ts';
import type { SeriesCache } from './series-cache.ts';
import type { Shape } from './shapes.ts';
import type { Trx } from './state.ts';

/** Combinations of dimensions that are looked for at a time. */
const combinationsMax = 100_000;

/**
 * What `createMissing` does where rows lie on workers: these know no series, so that all that there
 * are in some rows are asked for.
 */
export async function createMissingOnWorkers(
  db: Kysely<Database>,
  series: SeriesCache,
  from: RawBuilder<unknown>,
  condition: RawBuilder<unknown>,
): Promise<boolean> {
  const { shape } = series;
  const { rows } = await sql<{ values: SeriesValues }>`
    select distinct ${valuesOf(shape)} as values from ${from} as source
    where ${condition} limit ${combinationsMax}`.execute(db);
  const found = rows.map(({ values }) => values);
  const isKnown = await knownAmong(db, shape, found);
  const missing = found.filter((values) => !isKnown(values));
  if (missing.length === 0) return false;
  await series.create(missing);
  return true;
}

/** Which rows of a partition are claimed. */
export interface Claimed {
  readonly limit: number;
  readonly which: RawBuilder<unknown>;
}

/**
 * What `claim` does where rows lie on workers. A place is one of a shard there, so that rows are
 * known by their ids; that others claim them is kept off by the lock on what is rolled up.
 */
export async function claimOnWorkers(
  trx: Trx,
  shape: Shape,
  leaf: string,
  { limit, which }: Claimed,
): Promise<number> {
  const { rows } = await sql<{ id: string; values: SeriesValues }>`
    select id, ${valuesOf(shape)} as values
    from ${rowsOf(shape.kind, sql.table(leaf))} as source
    where rolled is false and ${which} limit ${limit}`.execute(trx);
  const isKnown = await knownAmong(
    trx,
    shape,
    rows.map(({ values }) => values),
  );
  const ids = rows.filter(({ values }) => isKnown(values)).map(({ id }) => id);
  if (ids.length === 0) return 0;
  // Not compared with constants: what Citus knows to be in one shard is committed there first.
  await sql`
    with source as (
      update ${sql.table(leaf)} set rolled = true ${takenOver(shape.kind)}
      where id = any(array(select unnest(${ids}::uuid[]))) and rolled is false
      returning *
    ) ${writeFresh(shape)}`.execute(trx);
  return ids.length;
}

const valuesOf = (shape: Shape): RawBuilder<unknown> =>
  sql`array[${sql.join(columnsOf(shape, 'source'))}]::text[]`;

/** Whether some values have a number, or are of the rest, once there is one. */
async function knownAmong(
  db: Kysely<Database>,
  shape: Shape,
  wanted: readonly SeriesValues[],
): Promise<(values: SeriesValues) => boolean> {
  if (wanted.length === 0) return () => true;
  const distinct = new Map(wanted.map((values) => [JSON.stringify(values), values]));
  const found = await findSeries(db, shape, [...distinct.values()]);
  const known = new Set(found.map(({ values }) => JSON.stringify(values)));
  if (known.size === distinct.size) return () => true;
  const { rest } = await allSeries(db, shape);
  return (values) => rest > 0 || known.has(JSON.stringify(values));
}
