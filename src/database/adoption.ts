import { type Kysely, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Logger } from '../observe/logger.ts';
import {
  type Chunk,
  copyChunk,
  isRowsFault,
  keepAsDeadLetters,
  lastKeyOfChunk,
  takesOthers,
} from './adopted-rows.ts';
import type { DataTable } from './expected-tables.ts';
import { AdoptionObstacle, hasIntegerKey, type OlderTable, openOlderTable } from './older-table.ts';
import { hasArchivePartition } from './partitions.ts';
import type { Database } from './schema.ts';
import { isLackOfRights } from './short-locks.ts';

export const adoptionChunkRows = 5000;

export interface AdoptionOptions {
  /** The time zone in which the older tables' times without a zone are read. */
  readonly timeZone: string;
  readonly chunkRows: number;
}

/** What became of the rows of a chunk. */
interface Settled {
  readonly rows_copied: number;
  readonly rows_refused: number;
}

/** How far the rows of one older table are copied. */
export interface AdoptionState {
  readonly source: string;
  readonly target: DataTable;
  readonly rows_total: number | null;
  readonly rows_copied: number;
  readonly rows_refused: number;
  /** Why no row is copied, and what to do. */
  readonly obstacle: string | null;
  readonly finished_at: Date | null;
}

export async function adoptionStates(db: Kysely<Database>): Promise<AdoptionState[]> {
  return await db
    .selectFrom('adoption')
    .select([
      'source',
      'target',
      sql<number | null>`rows_total`.as('rows_total'),
      sql<number>`rows_copied`.as('rows_copied'),
      sql<number>`rows_refused`.as('rows_refused'),
      'obstacle',
      'finished_at',
    ])
    .where('dropped_at', 'is', null)
    .orderBy('source')
    .execute();
}

/**
 * Copies the rows of the tables that were set aside, in chunks by their key. Each chunk and its
 * bookmark are one transaction: interrupted at any moment and run again, by this collector or
 * another, it loses nothing and doubles nothing. A row that PostgreSQL does not take is kept as a
 * dead letter; one table does not wait for another. Throws what is worth another try.
 */
export async function adoptLegacyRows(
  db: Kysely<Database>,
  options: AdoptionOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = [];
  for (const { source, finished_at } of await adoptionStates(db)) {
    if (finished_at || signal.aborted) continue;
    try {
      await adoptTable(db, source, options, logger, signal);
    } catch (error) {
      const obstacle = obstacleOf(source, error);
      if (obstacle === undefined) failures.push(error);
      else await noteObstacle(db, source, obstacle, logger);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function adoptTable(
  db: Kysely<Database>,
  source: string,
  options: AdoptionOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const table = await openOlderTable(db, source, options.timeZone);
  if (table === undefined) {
    logger.warn({ source }, 'an older table was dropped before all its rows were copied');
    await finish(db, source);
    return;
  }
  // They would all go to the default partition, and from there all at once.
  if (!(await hasArchivePartition(db, table.target))) return;
  logger.info({ source }, 'copying the rows of an older table');
  let chunkRows = options.chunkRows;
  while (!signal.aborted) {
    try {
      const more =
        chunkRows === 1
          ? await adoptRow(db, table, logger)
          : await adoptChunk(db, table, chunkRows);
      if (!more) break;
      chunkRows = Math.min(10 * chunkRows, options.chunkRows);
    } catch (error) {
      if (!isRowsFault(error) || chunkRows === 1) throw error;
      // Ever less, until the row is found that PostgreSQL does not take.
      chunkRows = Math.ceil(chunkRows / 10);
    }
  }
  if (!signal.aborted) logger.info({ source }, 'all rows of an older table are copied');
}

/** What somebody has to mend, as long as it is neither an outage nor the fault of one row. */
function obstacleOf(source: string, error: unknown): string | undefined {
  if (error instanceof AdoptionObstacle) return error.message;
  if (!(error instanceof pg.DatabaseError) || !error.code?.startsWith('42')) return undefined;
  // A table of ours that somebody has dropped: it will be back.
  if (error.code === '42P01') return undefined;
  if (isLackOfRights(error)) {
    return `${error.message}: run "gravitas-telemetry legacy copy" as the role that owns ${source}`;
  }
  return `${error.message}: change ${source} so that its rows fit, and they are copied`;
}

async function noteObstacle(
  db: Kysely<Database>,
  source: string,
  obstacle: string,
  logger: Logger,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('adoption')
    .set({ obstacle })
    .where('source', '=', source)
    .where(sql<boolean>`obstacle is distinct from ${obstacle}`)
    .executeTakeFirst();
  if (numUpdatedRows > 0) logger.error({ source, obstacle }, 'an older table is not copied');
}

async function finish(db: Kysely<Database>, source: string): Promise<void> {
  await db
    .updateTable('adoption')
    .set({ finished_at: new Date(), obstacle: null })
    .where('source', '=', source)
    .execute();
}

/** Copies the next chunk; false when there is none. */
async function adoptChunk(
  db: Kysely<Database>,
  table: OlderTable,
  chunkRows: number,
): Promise<boolean> {
  return await withNextChunk(db, table, chunkRows, async (trx, chunk) => ({
    rows_copied: await copyChunk(trx, table, chunk),
    rows_refused: 0,
  }));
}

/**
 * Copies the next row, or keeps it as a dead letter. What was refused before may have been settled
 * by another collector meanwhile.
 */
async function adoptRow(db: Kysely<Database>, table: OlderTable, logger: Logger): Promise<boolean> {
  return await withNextChunk(db, table, 1, async (trx, chunk) => {
    await sql`savepoint row`.execute(trx);
    try {
      return { rows_copied: await copyChunk(trx, table, chunk), rows_refused: 0 };
    } catch (error) {
      if (!isRowsFault(error)) throw error;
      await sql`rollback to savepoint row`.execute(trx);
      if (!(await takesOthers(trx, table.target))) throw error;
      const reason = `${error.message} (SQLSTATE ${error.code})`;
      logger.warn({ source: table.name, reason }, 'a row of an older table is a dead letter');
      return { rows_copied: 0, rows_refused: await keepAsDeadLetters(trx, table, chunk, reason) };
    }
  });
}

/** Settles the rows after the bookmark, and moves it; false when there are none. */
async function withNextChunk(
  db: Kysely<Database>,
  table: OlderTable,
  chunkRows: number,
  settle: (trx: Transaction<Database>, chunk: Chunk) => Promise<Settled>,
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    const bookmark = await trx
      .selectFrom('adoption')
      .select(['last_id', 'last_key', 'checked', 'started_at'])
      .where('source', '=', table.name)
      .where('finished_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (!bookmark) return false;
    const column = hasIntegerKey(table) ? 'last_id' : 'last_key';
    const at = bookmark[column];
    const key = sql.ref(table.key);
    const after = at === null ? sql`true` : sql`${key} > ${String(at)}::${sql.raw(table.keyType)}`;
    const last = await lastKeyOfChunk(trx, table, after, chunkRows);
    if (last === null) {
      await finish(trx, table.name);
      return false;
    }
    const settled = await settle(trx, {
      condition: sql`${after} and ${key} <= ${last}::${sql.raw(table.keyType)}`,
      checked: bookmark.checked,
      otherwise: bookmark.started_at,
    });
    await trx
      .updateTable('adoption')
      .set({
        [column]: last,
        rows_copied: sql`rows_copied + ${settled.rows_copied}`,
        rows_refused: sql`rows_refused + ${settled.rows_refused}`,
        obstacle: null,
      })
      .where('source', '=', table.name)
      .execute();
    return true;
  });
}
