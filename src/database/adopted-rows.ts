import { type RawBuilder, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { isDataFault, mayBeDataFault } from '../postgres/sqlstate.ts';
import type { DataTable } from './expected-tables.ts';
import { olderNames } from './older-names.ts';
import { adoptedId, adoptedTime, type OlderTable } from './older-table.ts';
import type { Database } from './schema.ts';

type Trx = Transaction<Database>;

/** A part of an older table. */
export interface Chunk {
  readonly condition: RawBuilder<unknown>;
  /** Whether rows of it may have been copied before. */
  readonly checked: boolean;
  /** The time of rows where not one of the table has any. */
  readonly otherwise: Date;
}

/** Columns of the new tables: type, and names that the older generations had for them. */
const columnPairs: Record<DataTable, readonly (readonly [string, string, ...string[]])[]> = {
  system_telemetry: [
    ['observed_at', 'timestamptz'],
    ['event_type', 'text'],
    ['component', 'text'],
    ['value', 'double precision'],
    ['metadata', 'jsonb'],
    ['status', 'text'],
  ],
  usage_stats: [
    ['observed_at', 'timestamptz'],
    ['model', 'text', olderNames.model],
    ['layer', 'text'],
    ['provider', 'text'],
    ['operation', 'text'],
    ['prompt_tokens', 'bigint', olderNames.prompt_tokens],
    ['completion_tokens', 'bigint', olderNames.completion_tokens],
    ['cached_tokens', 'bigint'],
    ['reasoning_tokens', 'bigint'],
    ['duration_ms', 'double precision'],
    ['cost_usd', 'numeric'],
    ['ghost_id', 'text'],
    ['shell_id', 'text'],
    ['metadata', 'jsonb'],
  ],
};

/** Copies all rows of a chunk; resolves with how many of it are in the new table then. */
export async function copyChunk(trx: Trx, table: OlderTable, chunk: Chunk): Promise<number> {
  const pairs = columnPairs[table.target].flatMap(([column, type, ...others]) => {
    const name = [column, ...others].find((each) => table.columns[each] !== undefined);
    return name === undefined ? [] : [{ column, value: converted(table, name, type) }];
  });
  const readsText = isText(table.columns.metadata ?? '');
  if (readsText) await createAsJson(trx);
  const names = sql.join(pairs.map(({ column }) => sql.ref(column)));
  const { rows } = await sql<{ count: number }>`
    with older as materialized (
      select ${adoptedId(table)} as id, ${adoptedTime(table, chunk.otherwise)} as "timestamp",
        ${sql.join(pairs.map(({ column, value }) => sql`${value} as ${sql.ref(column)}`))}
      from ${sql.table(table.name)} as legacy
      where ${chunk.condition}
    ), copied as (
      insert into ${sql.table(table.target)} (id, "timestamp", ${names})
      select id, "timestamp", ${names} from older ${chunk.checked ? notThere(table.target) : sql``}
    )
    select count(*) as count from older`.execute(trx);
  // On a pooler's connection it would be left to others.
  if (readsText) await sql`drop function pg_temp.telemetry_as_json(text)`.execute(trx);
  return rows[0]?.count ?? 0;
}

const notThere = (target: DataTable): RawBuilder<unknown> => sql`
  where not exists (
    select 1 from ${sql.table(target)} as there
    where there.id = older.id and there."timestamp" = older."timestamp"
  )`;

const isText = (type: string): boolean => ['text', 'character varying', 'character'].includes(type);

function converted(table: OlderTable, column: string, type: string): RawBuilder<unknown> {
  const value = sql`legacy.${sql.ref(column)}`;
  if (type === 'jsonb' && isText(table.columns[column] ?? '')) {
    return sql`pg_temp.telemetry_as_json(${value})`;
  }
  return sql`(${value})::${sql.raw(type)}`;
}

/** Text that is JSON is read as such, other text is a JSON string. */
async function createAsJson(trx: Trx): Promise<void> {
  await sql`
    create or replace function pg_temp.telemetry_as_json(value text) returns jsonb
    language plpgsql immutable as $$
      begin return value::jsonb; exception when data_exception then return to_jsonb(value); end
    $$`.execute(trx);
}

/**
 * Whether a row may be to blame: one that no type or constraint of ours fits, that is too large for
 * an index that somebody has made, or that somebody's trigger refuses. Not where names or rights
 * are missing, which somebody has to mend.
 */
export function isRowsFault(error: unknown): error is pg.DatabaseError {
  if (!(error instanceof pg.DatabaseError) || error.code?.startsWith('42')) return false;
  return mayBeDataFault(error);
}

/** Whether the new table takes a row that has nothing odd in it; it takes it back. */
export async function takesOthers(trx: Trx, target: DataTable): Promise<boolean> {
  await sql`savepoint other`.execute(trx);
  try {
    if (target === 'usage_stats') await trx.insertInto(target).values({ model: 'probe' }).execute();
    else await trx.insertInto(target).values({ event_type: 'PROBE' }).execute();
    return true;
  } catch (error) {
    return isDataFault(error);
  } finally {
    await sql`rollback to savepoint other`.execute(trx);
  }
}

/** Keeps the rows of a chunk as dead letters, once: whole, as the text of their JSON. */
export async function keepAsDeadLetters(
  trx: Trx,
  table: OlderTable,
  { condition }: Chunk,
  reason: string,
): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into dead_letters (id, batch_id, table_name, "row", payload, reason)
    select
      md5(${table.name}::text || letter.json || letter.place)::uuid, letter.id, ${table.name},
      convert_to(letter.json, 'UTF8'), jsonb_build_object('row', letter.json), ${reason}
    from (
      select ${adoptedId(table)} as id, row_to_json(legacy)::text as json,
        row_number() over ()::text as place
      from ${sql.table(table.name)} as legacy
      where ${condition}
    ) as letter
    on conflict (id) do update set reason = excluded.reason`.execute(trx);
  return Number(numAffectedRows);
}

/** The last key of the next chunk, as text; null where there is none. */
export async function lastKeyOfChunk(
  trx: Trx,
  { name, key }: OlderTable,
  after: RawBuilder<unknown>,
  chunkRows: number,
): Promise<string | null> {
  const { rows } = await sql<{ last: string }>`
    select chunk.key::text as last
    from (
      select ${sql.ref(key)} as key from ${sql.table(name)} where ${after}
      order by ${sql.ref(key)} limit ${chunkRows}
    ) as chunk
    order by chunk.key desc limit 1`.execute(trx);
  return rows[0]?.last ?? null;
}
