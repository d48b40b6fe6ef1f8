import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { dayMs } from '../units.ts';
import { bucketOf } from './merge.ts';
import type { Span } from './rebuild.ts';
import { type Level, levels, type Shape, shapes } from './shapes.ts';
import { cellsAnew, cellsOf } from './sketch-cells.ts';
import { isSketchOf } from './sketch-sums.ts';
import { lockState, type RollupWriter } from './state.ts';
import type { Difference } from './verify-day.ts';

/**
 * Compares sketches in one piece, which questions read, with the keys and counts of the same rows, of
 * which these are compared with the rows of records. Those of a time whose records are gone too.
 */
export async function verifyCells(
  db: Kysely<Database>,
  wanted: Partial<Span>,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const shape of shapes) {
    for (const level of levels) {
      for await (const day of daysOf(db, shape, level, wanted)) {
        found.push(...(await verifyDay(db, shape, level, day)));
      }
    }
  }
  return found.sort((a, b) => a.bucket.getTime() - b.bucket.getTime());
}

interface Row {
  readonly bucket: Date;
  readonly series: number;
  readonly sketches: readonly { keys: number[]; counts: number[]; cells: string | null }[];
}

async function verifyDay(
  db: Kysely<Database>,
  shape: Shape,
  level: Level,
  day: RawBuilder<boolean>,
): Promise<Difference[]> {
  const table = shape.levelTables[level];
  const sketches = shape.values.map(
    ({ prefix }) => sql`json_build_object('keys', ${sql.ref(`${prefix}keys`)},
      'counts', ${sql.ref(`${prefix}counts`)}, 'cells', encode(${sql.ref(`${prefix}cells`)}, 'hex'))`,
  );
  const { rows } = await db.transaction().execute(async (trx) => {
    await sql`set local jit = off`.execute(trx);
    return await sql<Row>`
      select bucket, series, json_build_array(${sql.join(sketches)}) as sketches
      from ${sql.table(table)} where ${day} and ${isOther(shape, sql`<>`)}
      order by bucket, series`.execute(trx);
  });
  return rows.flatMap(({ bucket, series, sketches }) => {
    const index = sketches.findIndex(
      ({ cells, ...sketch }) => cells !== null && !isSketchOf(Buffer.from(cells, 'hex'), sketch),
    );
    if (index < 0) return [];
    const column = `${shape.values[index]?.prefix}cells`;
    const what = `series ${series}: ${column} are not what its keys and counts are`;
    return [{ table, bucket, what }];
  });
}

/** Writes them anew where they are others, or none. */
export async function rewriteCells(
  db: Kysely<Database>,
  writer: RollupWriter,
  wanted: Partial<Span>,
): Promise<void> {
  for (const shape of shapes) {
    for (const level of levels) {
      for await (const day of daysOf(db, shape, level, wanted)) {
        await writer.transaction(async (trx) => {
          await lockState(trx, true);
          await sql`
            update ${sql.table(shape.levelTables[level])} set ${cellsAnew(shape)}
            where ${day} and ${isOther(shape, sql`is distinct from`)}`.execute(trx);
        });
      }
    }
  }
}

/** Rows of a release before have none, and rows may have them in another order. */
const isOther = ({ values }: Shape, differs: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`(${sql.join(
    values.map(({ prefix }) => sql`${sql.ref(`${prefix}cells`)} ${differs} ${cellsOf(prefix)}`),
    sql` or `,
  )})`;

/** Conditions on buckets, one for each day that may have any. */
async function* daysOf(
  db: Kysely<Database>,
  shape: Shape,
  level: Level,
  { from, to }: Partial<Span>,
): AsyncGenerator<RawBuilder<boolean>> {
  const bucket = (time: Date) => bucketOf(level, sql`${time}::timestamptz`);
  const within = [
    ...(from ? [sql`bucket >= ${bucket(from)}`] : []),
    ...(to ? [sql`bucket < ${to}::timestamptz`] : []),
  ];
  const { rows } = await sql<{ first: Date | null; last: Date | null }>`
    select min(bucket) as first, max(bucket) as last from ${sql.table(shape.levelTables[level])}
    ${within.length > 0 ? sql`where ${sql.join(within, sql` and `)}` : sql``}`.execute(db);
  const { first, last } = rows[0] ?? {};
  if (!first || !last) return;
  for (let ms = first.getTime(); ms <= last.getTime(); ms += dayMs) {
    const end = new Date(Math.min(ms + dayMs, last.getTime() + 1));
    yield sql`bucket >= ${new Date(ms)} and bucket < ${end}`;
  }
}
