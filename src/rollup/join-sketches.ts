import { sql } from 'kysely';
import { workOnPart } from './levels-of-before.ts';
import { type Shape, shapes } from './shapes.ts';
import { cellsAnew } from './sketch-cells.ts';
import type { RollupWriter } from './state.ts';

/**
 * Writes sketches of hours and days in one piece that are of a time before anybody did so. Quarter
 * hours, of which there are most, are asked for as long as they are new. False where nothing is left.
 */
export async function joinSketches(writer: RollupWriter): Promise<boolean> {
  return await workOnPart(writer, {
    marker: 'cells_from',
    by: 'hour',
    shapes,
    levels: ['hour', 'day'],
    to: async (trx, shape, level, { begin, end }) => {
      await sql`
        update ${sql.table(shape.levelTables[level])} set ${cellsAnew(shape)}
        where bucket >= ${begin} and bucket < ${end} and ${lacking(shape)}`.execute(trx);
    },
  });
}

const lacking = ({ values }: Shape) =>
  sql`(${sql.join(
    values.map(({ prefix }) => sql`${sql.ref(`${prefix}cells`)} is null`),
    sql` or `,
  )})`;
