import { type RawBuilder, sql } from 'kysely';
import {
  type CellsOrBytes,
  checked,
  DamagedSketch,
  noCells,
  sqlCell,
  sqlCells,
} from '../../rollup/sketch-cells.ts';
import { cellsIn, sumOfSketches } from '../../rollup/sketch-sums.ts';
import type { Trx } from '../../rollup/state.ts';
import { type Group, type Parts, type Question, type SketchColumns, sketchParts } from './parts.ts';
import type { Placed } from './places-sql.ts';

/** More than these are added up by PostgreSQL: that takes longer, and no memory here. */
const bytesMax = 16 * 1024 * 1024;

const noBytes = Buffer.alloc(0);

interface PlacedCells extends Placed {
  /** Of each of the quantified numbers. */
  readonly cells: readonly CellsOrBytes[];
}

type Row = Placed & Readonly<Record<`cells${number}`, Buffer | null>> & { bytes: number };

/**
 * Sketches by place and part of the span; `groups` in the order of their places. `hasOthers`:
 * whether there is likely something of none of them.
 */
export async function placedCells(
  trx: Trx,
  question: Question,
  parts: Parts,
  groups: readonly Group[],
  hasOthers: boolean,
): Promise<PlacedCells[]> {
  const whole = hasOthers ? await parts.whole?.() : undefined;
  if (!whole) return await readCells(trx, question, parts, (what) => parts.cells(groups, what));
  const all = await readCells(trx, question, parts, whole.all);
  const ofGroups = (what: SketchColumns) => whole.ofGroups(groups, what);
  const found = groups.length > 0 ? await readCells(trx, question, parts, ofGroups) : [];
  const byBucket = Map.groupBy(found, ({ bucket }) => bucket);
  const others = all.map(({ bucket, cells }) => ({
    place: 0,
    bucket,
    cells: cells.map((each, what) => {
      const known = byBucket.get(bucket)?.map((one) => one.cells[what] ?? noCells);
      return sumOfSketches([each], known);
    }),
  }));
  return [...others, ...found];
}

/** The same of all groups together alone, as those of none. */
export async function wholeCells(
  trx: Trx,
  question: Question,
  parts: Parts,
): Promise<PlacedCells[]> {
  const whole = await parts.whole?.('alone');
  return await readCells(trx, question, parts, whole?.all ?? ((what) => parts.cells([], what)));
}

async function readCells(
  trx: Trx,
  { bordersUs, measured: { quantified } }: Question,
  { hasSketches = false }: Parts,
  placed: (what: SketchColumns) => Promise<RawBuilder<unknown>>,
): Promise<PlacedCells[]> {
  const whats = quantified.map((_, what) => what);
  const read = async (query: RawBuilder<Row>) => (await query.execute(trx)).rows;
  // There are many of parts of the span, which stay as small as they are until each is told.
  const kept = bordersUs ? checked : (bytes: Buffer) => cellsIn(checked(bytes));
  const asCells = (row: Row) => ({
    place: row.place,
    bucket: row.bucket,
    cells: whats.map((what) => kept(row[`cells${what}`] ?? noBytes)),
  });
  if (hasSketches) {
    const rows = await read(joined(await placed('cells'), whats));
    const found = (rows[0]?.bytes ?? 0) <= bytesMax && unlessDamaged(() => rows.map(asCells));
    if (found) return found;
  }
  const all = await placed('keys and counts');
  const each = hasSketches ? takenApart(all, whats) : all;
  return (await read(addedUp(each, whats))).map(asCells);
}

/** Keys and counts answer where bytes are no sketch, of which `rollups verify` tells. */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamagedSketch) return undefined;
    throw error;
  }
}

/** As they are: whoever reads them adds up what is there several times. */
function joined(placed: RawBuilder<unknown>, whats: readonly number[]): RawBuilder<Row> {
  const joined = whats.map((what) => {
    const { keys, counts, cells } = sketchParts(what);
    return sql`string_agg(coalesce(${cells}, ${sqlCells(keys, counts)}), '') as ${cells}`;
  });
  const bytes = sql.join(
    whats.map((what) => sql`coalesce(octet_length(${sketchParts(what).cells}), 0)`),
    sql` + `,
  );
  const shown = whats.map(
    (what) =>
      sql`case when bytes <= ${bytesMax} then ${sketchParts(what).cells} end as ${sketchParts(what).cells}`,
  );
  return sql`
    select place, bucket, ${sql.join(shown)}, bytes
    from (
      select *, sum(${bytes}) over ()::bigint as bytes
      from (
        select place, bucket, ${sql.join(joined)} from ${placed} as placed group by place, bucket
      ) as joined
    ) as weighed`;
}

const takenApart = (placed: RawBuilder<unknown>, whats: readonly number[]): RawBuilder<unknown> => {
  const each = whats.map((what) => {
    const { keys, counts } = sketchParts(what);
    return sql`(${sql.lit(what)}, ${keys}, ${counts})`;
  });
  return sql`(
    select place, bucket, what, unnest(keys) as key, unnest(counts) as count
    from ${placed} as placed cross join lateral (values ${sql.join(each)})
      as each (what, keys, counts))`;
};

function addedUp(placed: RawBuilder<unknown>, whats: readonly number[]): RawBuilder<Row> {
  const cells = whats.map(
    (what) => sql`
      string_agg(${sqlCell(sql`key`, sql`count`)}, '') filter (where what = ${sql.lit(what)})
        as ${sketchParts(what).cells}`,
  );
  return sql`
    select place, bucket, ${sql.join(cells)}
    from (
      select place, bucket, what, key, sum(count)::bigint as count from ${placed} as placed
      group by place, bucket, what, key having sum(count) > 0
    ) as cells
    group by place, bucket`;
}
