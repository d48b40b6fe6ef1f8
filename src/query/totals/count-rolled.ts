import { sql, type Transaction } from 'kysely';
import type { Database } from '../../database/schema.ts';
import type { RecordKind } from '../../records/tables.ts';
import { conditionOf, marginOf } from '../../rollup/question.ts';
import { margin } from '../../rollup/series.ts';
import { all, quarterMs } from '../../rollup/shapes.ts';
import type { Filter } from '../ask/filters.ts';
import { sqlInstant, usOfMs } from '../ask/instants.ts';
import { ofAllTimes, shapeOf } from './rollup-parts.ts';

/**
 * About how many records there are in a span, as quarter hours have it, which are behind by some
 * seconds: of those that a filter names where a margin knows, of all otherwise.
 */
export async function countRolled(
  trx: Transaction<Database>,
  kind: RecordKind,
  filter: Filter,
  { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
): Promise<number> {
  const shape = shapeOf(kind);
  const asked = ofAllTimes(shape, filter);
  const name = marginOf(asked);
  const ofMargin =
    name === margin.series ? sql`margin = ${all}` : sql`margin = ${name} and ${conditionOf(asked)}`;
  const { rows } = await sql<{ records: number }>`
    select coalesce(sum(${sql.ref(shape.count)}), 0)::float8 as records
    from ${sql.table(shape.levelTables.quarter)}
    where series in (select id from ${sql.table(shape.seriesTable)} where ${ofMargin})
      and bucket > ${sqlInstant(startUs - quarterMs * usOfMs)} and bucket < ${sqlInstant(endUs)}`.execute(
    trx,
  );
  return rows[0]?.records ?? 0;
}
