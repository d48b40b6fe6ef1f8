import { type RawBuilder, sql } from 'kysely';
import { countApart } from './count-apart.ts';
import { type Level, levelColumns, quartersIn, type Shape, shapes } from './shapes.ts';
import { sqlCell } from './sketch-cells.ts';
import { lockState, type RollupWriter, type Trx } from './state.ts';
import { addedUp, isAnything } from './totals.ts';

/** Buckets that are merged in one transaction. */
const mergedTogether = 8;
/** What is written to every few seconds is merged every now and then. */
const mergeAfter = sql`interval '45 seconds'`;
/** How long after a quarter hour has ended it is added to the longer levels. */
const settleAfter = sql`interval '2 minutes'`;

const origin = sql`timestamptz '2000-01-01 00:00:00+00'`;

/** The bucket of a level that a time is in. */
export const bucketOf = (level: Level, time: RawBuilder<unknown>): RawBuilder<Date> =>
  sql`date_bin(${`${quartersIn[level] * 15} minutes`}::interval, ${time}, ${origin})`;

/**
 * Inserts what the rows `d` of another query, by bucket and series, add up to. Totals and sketches
 * apart: both at once take a third longer.
 */
export function insertMerged(
  shape: Shape,
  level: Level,
  bucket: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const sketches = shape.values.map(({ prefix }, index) => {
    const [keys, counts] = [sql.ref(`${prefix}keys`), sql.ref(`${prefix}counts`)];
    return sql`
      left join (
        select bucket, series, array_agg(k order by k) as keys, array_agg(c order by k) as counts,
          string_agg(${sqlCell(sql`k`, sql`c`)}, '' order by k) as cells
        from (
          select bucket, series, k, least(sum(c), 2147483647)::int as c
          from (
            select ${bucket} as bucket, series, unnest(${keys}) as k, unnest(${counts}) as c from d
          ) as u
          group by 1, 2, 3 having sum(c) <> 0
        ) as e
        group by 1, 2
      ) as ${sql.ref(`sketch${index}`)} using (bucket, series)`;
  });
  const sketchColumns = shape.values.map((_, index) => {
    const sketch = `sketch${index}`;
    return sql`coalesce(${sql.ref(`${sketch}.keys`)}, '{}'), coalesce(${sql.ref(`${sketch}.counts`)}, '{}'),
      coalesce(${sql.ref(`${sketch}.cells`)}, '')`;
  });
  const names = sql.join(levelColumns(shape).map((name) => sql.ref(name)));
  return sql`
    insert into ${sql.table(shape.levelTables[level])} (${names})
    select t.*, ${sql.join(sketchColumns)}
    from (
      select ${bucket} as bucket, series, ${addedUp(shape)} from d group by 1, 2
      having ${isAnything(shape)}
    ) as t ${sql.join(sketches, sql` `)}`;
}

/** One bucket of a level and series. */
export interface LevelPlace {
  readonly bucket: Date;
  readonly series: number;
}

/** Makes one row of the rows that there are of each place, and none where all has been taken away. */
export async function mergePlaces(
  trx: Trx,
  shape: Shape,
  level: Level,
  places: readonly LevelPlace[],
): Promise<void> {
  await sql`
    with d as (
      delete from ${sql.table(shape.levelTables[level])} as level using unnest(
        ${places.map(({ bucket }) => bucket)}::timestamptz[], ${places.map(({ series }) => series)}::int[]
      ) as place (at, of)
      where level.series = place.of and level.bucket = place.at returning level.*
    ) ${insertMerged(shape, level, sql`bucket`)}`.execute(trx);
}

/** Makes one row of the rows that a bucket has for a series. */
async function mergeBuckets(trx: Trx, shape: Shape, level: Level, buckets: Date[]): Promise<void> {
  await sql`
    with d as (
      delete from ${sql.table(shape.levelTables[level])}
      where bucket = any(${buckets}::timestamptz[]) returning *
    ) ${insertMerged(shape, level, sql`bucket`)}`.execute(trx);
}

/** Merges some of the buckets that have waited; false where there is nothing to do now. */
export async function mergeNoted(writer: RollupWriter): Promise<boolean> {
  return await writer.transaction(async (trx) => {
    if (!(await lockState(trx, false))) return false;
    const { rows } = await sql<{ kind: string; level: Level; bucket: Date }>`
      delete from rollup_merges where ctid = any(array(
        select ctid from rollup_merges where noted_at < now() - ${mergeAfter} limit ${mergedTogether}
      )) returning kind, level, bucket`.execute(trx);
    for (const shape of shapes) {
      const ofShape = rows.filter(({ kind }) => kind === shape.kind);
      for (const [level, some] of Map.groupBy(ofShape, (row) => row.level)) {
        await mergeBuckets(
          trx,
          shape,
          level,
          some.map(({ bucket }) => bucket),
        );
      }
    }
    return rows.length === mergedTogether;
  });
}

/**
 * Writes the buckets of a longer level in a span of whole ones anew, as those of the next finer
 * level have it, as far as that is settled.
 */
export async function derive(
  trx: Trx,
  shape: Shape,
  level: 'hour' | 'day',
  from: RawBuilder<unknown>,
  to: RawBuilder<unknown>,
): Promise<void> {
  const finer = level === 'hour' ? 'quarter' : 'hour';
  await sql`
    with gone as (
      delete from ${sql.table(shape.levelTables[level])} where bucket >= ${from} and bucket < ${to}
    ), d as (
      select * from ${sql.table(shape.levelTables[finer])}
      where bucket >= ${from} and bucket < least(${to}, (select settled_at from rollup_state))
    ) ${insertMerged(shape, level, bucketOf(level, sql`bucket`))}`.execute(trx);
}

/** Adds the quarter hours that have ended to the longer levels. */
export async function settle(writer: RollupWriter): Promise<void> {
  await writer.transaction(async (trx) => {
    const state = await lockState(trx, false);
    if (!state) return;
    const { settledAt: from } = state;
    const { rows } = await sql<{ settled_at: Date }>`
      update rollup_state set settled_at = ${bucketOf('quarter', sql`now() - ${settleAfter}`)}
      where settled_at < ${bucketOf('quarter', sql`now() - ${settleAfter}`)}
      returning settled_at`.execute(trx);
    const to = rows[0]?.settled_at;
    if (!to) return;
    for (const shape of shapes) {
      await countApart(trx, shape, 'quarter', sql`${from}::timestamptz`, sql`${to}::timestamptz`);
      for (const level of ['hour', 'day'] as const) {
        const first = bucketOf(level, sql`${from}::timestamptz`);
        await derive(trx, shape, level, first, sql`${to}::timestamptz`);
      }
    }
  });
}
