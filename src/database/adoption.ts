import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Logger } from '../observe/logger.ts';
import type { Database } from './schema.ts';

export interface AdoptionOptions {
  /** The time zone in which the older tables' times without a zone are read. */
  readonly timeZone: string;
  readonly chunkRows: number;
}

/** How far the rows of one older table are copied. */
export interface AdoptionState {
  readonly source: string;
  readonly target: string;
  readonly rows_copied: number;
  readonly finished_at: Date | null;
}

export async function adoptionStates(db: Kysely<Database>): Promise<AdoptionState[]> {
  return await db
    .selectFrom('adoption')
    .select(['source', 'target', sql<number>`rows_copied`.as('rows_copied'), 'finished_at'])
    .orderBy('source')
    .execute();
}

/**
 * Copies the rows of the tables set aside by the first migration, in chunks by their id. Each
 * chunk and its bookmark are one transaction: interrupted at any moment and run again, by this
 * collector or another, it loses nothing and doubles nothing.
 */
export async function adoptLegacyRows(
  db: Kysely<Database>,
  options: AdoptionOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (const { source, finished_at } of await adoptionStates(db)) {
    if (finished_at) continue;
    await ensureIdIndex(db, source);
    logger.info({ source }, 'copying the rows of an older table');
    while (!signal.aborted && (await adoptChunk(db, source, options))) {
      // Each chunk is its own transaction; ingest goes on between and beside them.
    }
    if (!signal.aborted) logger.info({ source }, 'all rows of an older table are copied');
  }
}

/** Drops the tables whose rows are all copied; returns their names. */
export async function dropAdoptedTables(db: Kysely<Database>): Promise<string[]> {
  const finished = (await adoptionStates(db)).filter((state) => state.finished_at);
  for (const { source } of finished) {
    await db.transaction().execute(async (trx) => {
      await sql`drop table if exists ${sql.table(source)}`.execute(trx);
      await trx.deleteFrom('adoption').where('source', '=', source).execute();
    });
  }
  return finished.map((state) => state.source);
}

/** Without an index each chunk would read the whole table. */
async function ensureIdIndex(db: Kysely<Database>, source: string): Promise<void> {
  await sql`create index if not exists ${sql.ref(`${source}_adoption`)} on ${sql.table(source)} (id)`.execute(
    db,
  );
}

/** Copies the next chunk; false when there is none. */
async function adoptChunk(
  db: Kysely<Database>,
  source: string,
  options: AdoptionOptions,
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    const bookmark = await trx
      .selectFrom('adoption')
      .selectAll()
      .where('source', '=', source)
      .where('finished_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (!bookmark) return false;
    const after = bookmark.last_id === null ? sql`true` : sql`id > ${bookmark.last_id}`;
    const lastId = await lastIdOfChunk(trx, source, after, options.chunkRows);
    if (lastId === null) {
      await trx
        .updateTable('adoption')
        .set({ finished_at: new Date() })
        .where('source', '=', source)
        .execute();
      return false;
    }
    const copied = await copyChunk(
      trx,
      bookmark,
      sql`${after} and id <= ${lastId}`,
      options.timeZone,
    );
    await trx
      .updateTable('adoption')
      .set({ last_id: String(lastId), rows_copied: sql`rows_copied + ${copied}` })
      .where('source', '=', source)
      .execute();
    return true;
  });
}

async function lastIdOfChunk(
  trx: Transaction<Database>,
  source: string,
  after: RawBuilder<unknown>,
  chunkRows: number,
): Promise<number | null> {
  const { rows } = await sql<{ last_id: number | null }>`
    select max(id)::bigint as last_id
    from (select id from ${sql.table(source)} where ${after} order by id limit ${chunkRows}) as chunk
    `.execute(trx);
  return rows[0]?.last_id ?? null;
}

/** Copies all rows of a range of ids, those with equal ids included; returns how many. */
async function copyChunk(
  trx: Transaction<Database>,
  { source, target }: { source: string; target: 'system_telemetry' | 'usage_stats' },
  range: RawBuilder<unknown>,
  timeZone: string,
): Promise<number> {
  const present = await columnsOf(trx, source);
  const pairs = columnPairs[target]
    .map(([column, ...sources]) => [column, sources.find((name) => present.has(name))] as const)
    .filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  const targets = sql.join(pairs.map(([column]) => sql.ref(column)));
  const values = sql.join(pairs.map(([, name]) => sql.ref(name)));
  const { numAffectedRows } = await sql`
    insert into ${sql.table(target)} (id, "timestamp", ${targets})
    select
      ${adoptedId(target)},
      coalesce(
        ${inZone(present, 'timestamp', timeZone)},
        ${neighboursTime(present, source, timeZone)},
        now()
      ),
      ${values}
    from ${sql.table(source)} as legacy
    where ${range}`.execute(trx);
  return Number(numAffectedRows);
}

/** Columns of the new tables, each with the names that the older generations had for it. */
const columnPairs: Record<'system_telemetry' | 'usage_stats', readonly (readonly string[])[]> = {
  system_telemetry: [
    ['event_type', 'event_type'],
    ['component', 'component'],
    ['value', 'value'],
    ['metadata', 'metadata'],
    ['status', 'status'],
  ],
  usage_stats: [
    ['model', 'model', 'model_name'],
    ['layer', 'layer'],
    ['prompt_tokens', 'prompt_tokens', 'tokens_input'],
    ['completion_tokens', 'completion_tokens', 'tokens_output'],
    ['duration_ms', 'duration_ms'],
    ['cost_usd', 'cost_usd'],
    ['ghost_id', 'ghost_id'],
    ['shell_id', 'shell_id'],
  ],
};

async function columnsOf(trx: Transaction<Database>, table: string): Promise<Map<string, string>> {
  const { rows } = await sql<{ name: string; type: string }>`
    select attname as name, format_type(atttypid, null) as type
    from pg_attribute
    where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped`.execute(trx);
  return new Map(rows.map((row) => [row.name, row.type]));
}

/** A UUIDv8 that shows the older table and, at its end, the older id in hexadecimal. */
function adoptedId(target: string): RawBuilder<unknown> {
  const prefix = target === 'system_telemetry' ? '00000000-0000-8001' : '00000000-0000-8002';
  return sql`(${prefix} || '-8000-' || lpad(to_hex(legacy.id), 12, '0'))::uuid`;
}

function inZone(
  columns: Map<string, string>,
  column: string,
  timeZone: string,
): RawBuilder<unknown> {
  const hasZone = columns.get(column) === 'timestamp with time zone';
  return hasZone ? sql.ref(column) : sql`${sql.ref(column)} at time zone ${timeZone}`;
}

/** A row without a time was written about when the row before it was, or else the one after it. */
function neighboursTime(
  columns: Map<string, string>,
  source: string,
  timeZone: string,
): RawBuilder<unknown> {
  const neighbour = (condition: RawBuilder<unknown>, order: RawBuilder<unknown>) => sql`(
    select ${inZone(columns, 'timestamp', timeZone)} from ${sql.table(source)} as neighbour
    where ${condition} and neighbour."timestamp" is not null
    order by ${order} limit 1
  )`;
  return sql`
    ${neighbour(sql`neighbour.id <= legacy.id`, sql`neighbour.id desc`)},
    ${neighbour(sql`neighbour.id > legacy.id`, sql`neighbour.id`)}`;
}
