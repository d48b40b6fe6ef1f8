import { type Kysely, type RawBuilder, sql } from 'kysely';
import { partitionsOf, relationsNamed } from '../database/catalog.ts';
import { isDistributed } from '../database/cluster/layout.ts';
import { isRolledTime } from '../database/rolled-time.ts';
import type { Database } from '../database/schema.ts';
import { noteUnread } from '../database/unread-rows.ts';
import { tables } from '../records/tables.ts';
import { writeFresh } from './pack-sql.ts';
import type { SeriesCache } from './series-cache.ts';
import type { Shape } from './shapes.ts';
import { lockState, type RollupWriter, type Trx } from './state.ts';
import { createMissing } from './sweep.ts';

/** More only where they are of one and the same time. */
const rowsTogether = 10_000;

interface Progress {
  readonly leaf: string;
  /** What lies before is rolled up: a time as PostgreSQL writes it, which has microseconds. */
  readonly readTo: string;
}

/**
 * Rolls up the next part of the rows from before there were rollups; false where nothing is left.
 * How far it is, is noted in the transaction that packs them, and by time: places of rows are others
 * after a move, a restored dump, or whatever else writes a table anew.
 */
export async function rollHistory(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
): Promise<boolean> {
  const { shape } = series;
  const next = await nextPart(db, shape.kind);
  if (!next) return false;
  const table = tables[shape.kind].name;
  if (await isDistributed(db, table)) {
    throw new Error(
      `rows of ${table} from before there were rollups can't be read once they are on workers: select undistribute_table('${table}'), let a collector read them, and run "gravitas-telemetry distribute" again`,
    );
  }
  const exists = (await relationsNamed(db, [next.leaf])).size > 0;
  if (!exists) return await giveUp(db, writer, shape, next);
  const end = await endOf(db, next);
  const isNext = sql`${isUnreadOf(next)} and ${end === null ? sql`true` : sql`"timestamp" < ${end}::timestamptz`}`;
  while (await createMissing(db, series, sql.table(next.leaf), isNext));
  await proceed(writer, shape, next, async (trx) => {
    await lockState(trx, true);
    await sql`
      with source as (select * from ${sql.table(next.leaf)} where ${isNext})
      ${writeFresh(shape)}`.execute(trx);
    await note(trx, shape, next, end);
  });
  return true;
}

const isUnreadOf = ({ readTo }: Progress) => sql`
  rolled is null and "timestamp" >= ${readTo}::timestamptz and ${isRolledTime(sql`"timestamp"`)}`;

/** Where the next part ends, before that time; null where it is the last. */
async function endOf(db: Kysely<Database>, next: Progress): Promise<string | null> {
  const timeAt = (offset: number) => sql`(
    select "timestamp" from ${sql.table(next.leaf)} where ${isUnreadOf(next)}
    order by "timestamp" offset ${offset} limit 1
  )`;
  const { rows } = await sql<{ end: string | null }>`
    select case when last is not null
      then greatest(last, first + interval '1 microsecond')::text end as "end"
    from (select ${timeAt(0)} as first, ${timeAt(rowsTogether)} as last) as times`.execute(db);
  return rows[0]?.end ?? null;
}

/** Does the next step, unless another collector was faster. */
async function proceed(
  writer: RollupWriter,
  { kind }: Shape,
  next: Progress,
  step: (trx: Trx) => Promise<void>,
): Promise<void> {
  await writer.transaction(async (trx) => {
    // Whoever changes older rows keeps it from being read, and knows how far it is.
    const now = await nextPart(trx, kind, true);
    if (now?.leaf === next.leaf && now.readTo === next.readTo) await step(trx);
  });
}

async function note(
  trx: Trx,
  { kind }: Shape,
  { leaf }: Progress,
  end: string | null,
): Promise<void> {
  await sql`
    update rollup_history set read_to = ${end ?? 'infinity'},
      finished_at = case when ${end === null} then now() end
    where kind = ${kind} and partition_name = ${leaf}`.execute(trx);
}

/**
 * A partition is gone, or has another name now, or its rows are in another one: those of which
 * nobody knows whether they are read are computed anew.
 */
async function giveUp(
  db: Kysely<Database>,
  writer: RollupWriter,
  shape: Shape,
  next: Progress,
): Promise<boolean> {
  const leaves = await leavesOfUnknown(db, shape);
  await proceed(writer, shape, next, async (trx) => {
    for (const leaf of leaves) await noteUnread(trx, shape.kind, leaf);
    await note(trx, shape, next, null);
  });
  return true;
}

/** Partitions with rows from before of which nothing is noted. */
async function leavesOfUnknown(db: Kysely<Database>, { kind }: Shape): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select partition_name as name from rollup_history where kind = ${kind}`.execute(db);
  const known = new Set(rows.map(({ name }) => name));
  const found: string[] = [];
  for (const { name } of await partitionsOf(db, tables[kind].name)) {
    if (known.has(name)) continue;
    const some = await sql`
      select from ${sql.table(name)} where rolled is null limit 1`.execute(db);
    if (some.rows.length > 0) found.push(name);
  }
  return found;
}

/** Whether rows of a partition, from before there were rollups, are still to be read. */
export const isUnread = (kind: string, leaf: RawBuilder<unknown>): RawBuilder<boolean> => sql`
  exists (
    select 1 from rollup_history
    where kind = ${kind} and partition_name = ${leaf} and finished_at is null
  )`;

/** The newest first: dashboards look at those most. */
async function nextPart(
  db: Kysely<Database>,
  kind: string,
  isLocked = false,
): Promise<Progress | undefined> {
  const { rows } = await sql<Progress>`
    select partition_name as leaf, read_to::text as "readTo" from rollup_history
    where kind = ${kind} and finished_at is null
    order by partition_name desc limit 1 ${isLocked ? sql`for update` : sql``}`.execute(db);
  return rows[0];
}
