import { type Kysely, type RawBuilder, sql } from 'kysely';
import { relationsNamed } from '../database/catalog.ts';
import { isDistributed } from '../database/cluster/layout.ts';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import { writeFresh } from './pack-sql.ts';
import type { SeriesCache } from './series-cache.ts';
import { lockState, type RollupWriter } from './state.ts';
import { createMissing } from './sweep.ts';

/** Some 10,000 rows. */
const blocksTogether = 256;

interface Progress {
  readonly leaf: string;
  readonly blocks: number;
}

/**
 * Rolls up the next part of the rows from before there were rollups; false where nothing is left.
 * How far it is, is noted in the transaction that packs them.
 */
export async function rollHistory(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
): Promise<boolean> {
  const { shape } = series;
  const next = await nextPart(db, shape.kind);
  if (!next) return false;
  const { leaf, blocks } = next;
  const table = tables[shape.kind].name;
  if (await isDistributed(db, table)) {
    throw new Error(
      `rows of ${table} from before there were rollups can't be read once they are on workers: select undistribute_table('${table}'), let a collector read them, and run "gravitas-telemetry distribute" again`,
    );
  }
  const exists = (await relationsNamed(db, [leaf])).size > 0;
  const part = partOf(blocks);
  while (exists && (await createMissing(db, series, sql.table(leaf), part)));
  return await writer.transaction(async (trx) => {
    // Whoever changes older rows keeps it from being read, and knows how far it is.
    const done = await nextPart(trx, shape.kind, true);
    // Another collector was faster.
    if (done?.leaf !== leaf || done.blocks !== blocks) return true;
    await lockState(trx, true);
    if (exists) {
      await sql`
        with source as (select * from ${sql.table(leaf)} where ${part})
        ${writeFresh(shape)}`.execute(trx);
    }
    const end = exists
      ? sql`pg_relation_size(${leaf}::regclass) / current_setting('block_size')::int`
      : sql`0`;
    await sql`
      update rollup_history set blocks_done = ${blocks + blocksTogether},
        finished_at = case when ${blocks + blocksTogether} >= ${end} then now() end
      where kind = ${shape.kind} and partition_name = ${leaf}`.execute(trx);
    return true;
  });
}

const partOf = (blocks: number) => sql`
  rolled is null and ctid >= ${`(${blocks},0)`}::tid and ctid < ${`(${blocks + blocksTogether},0)`}::tid`;

/** Whether rows of a partition, from before there were rollups, are still to be read. */
export const isUnread = (kind: string, leaf: RawBuilder<unknown>): RawBuilder<boolean> => sql`
  exists (
    select from rollup_history
    where kind = ${kind} and partition_name = ${leaf} and finished_at is null
  )`;

/** The newest first: dashboards look at those most. */
async function nextPart(
  db: Kysely<Database>,
  kind: string,
  isLocked = false,
): Promise<Progress | undefined> {
  const { rows } = await sql<Progress>`
    select partition_name as leaf, blocks_done as blocks from rollup_history
    where kind = ${kind} and finished_at is null
    order by partition_name desc limit 1 ${isLocked ? sql`for update` : sql``}`.execute(db);
  return rows[0];
}
