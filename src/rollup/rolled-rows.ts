import { type RawBuilder, sql } from 'kysely';
import { isRolledTime } from '../database/rolled-time.ts';
import { tables } from '../records/tables.ts';
import { columnsOf, margin, seriesHash } from './series.ts';
import type { Shape } from './shapes.ts';

/** The rows that are rolled up, as `source`, with the number of their series. */
export const rolledRows = (
  shape: Shape,
  condition: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`
  ${sql.table(tables[shape.kind].name)} as source
  where ${condition} and rolled is not false and ${isRolledTime(sql`"timestamp"`)}`;

/** What a row says that has no number for its series, as there is no rest either. */
const unknownSeries = sql.lit(-1);

/** The number of the series of `table`, whose columns are dimensions, where `known` is joined by `isKnown`. */
export const numberOf = ({ seriesTable }: Shape): RawBuilder<number> => sql`
  coalesce(known.id, (
    select id from ${sql.table(seriesTable)} where margin = ${margin.rest}
  ), ${unknownSeries})`;
export const isKnown = (shape: Shape, table: string): RawBuilder<boolean> =>
  sql`known.hash = ${seriesHash(margin.series, columnsOf(shape, table))}`;
