import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { escapeIdentifier } from 'pg';
import type { Database } from './schema.ts';
import { withShortLocks } from './short-locks.ts';

/** What indexes of a table are called after its name, and what they are of; not every table has each. */
const indexes: Readonly<Record<string, string>> = {
  unrolled: '("timestamp") where rolled is false',
  user: '(user_id, "timestamp") where user_id is not null',
  session: '(session_id, "timestamp") where session_id is not null',
  older_names: `("timestamp") where rolled
    and (model_name is not null or tokens_input is not null or tokens_output is not null)`,
  component_type: '(component, event_type)',
};

/**
 * Gives partitions from before there were rollups the indexes by which rows of others are found,
 * those of a user or a session, and those of a component and type. Built beside writers, each in a
 * statement of its own, outside of transactions. Throws what keeps one from being built: rows are
 * found without it, only slower.
 */
export async function buildLaterIndexes(
  db: Kysely<Database>,
  pool: pg.Pool,
  table: string,
): Promise<void> {
  for (const [kind, what] of Object.entries(indexes)) {
    const index = `${table}_${kind}_idx`;
    for (const { leaf, invalid } of await leavesWithout(db, index, kind)) {
      const name = `${leaf}_${kind}_idx`;
      if (invalid) await sql`drop index if exists ${sql.ref(name)}`.execute(db);
      await alone(
        pool,
        `create index concurrently if not exists ${escapeIdentifier(name)} on ${escapeIdentifier(leaf)} ${what}`,
      );
      await sql`alter index ${sql.ref(index)} attach partition ${sql.ref(name)}`.execute(db);
    }
  }
  if ((await replacedIndexes(db)).length > 0) await withShortLocks(db, dropReplacedIndexes);
}

/** Once every partition has the later index of a component and type, the one with times goes. */
export async function dropReplacedIndexes(db: Kysely<Database>): Promise<void> {
  for (const { name } of await replacedIndexes(db)) {
    await sql`lock table only system_telemetry in access exclusive mode`.execute(db);
    await sql`drop index if exists ${sql.ref(name)}`.execute(db);
  }
}

/** By what it is of: an older table that was set aside keeps the names of its indexes. */
async function replacedIndexes(db: Kysely<Database>): Promise<{ name: string }[]> {
  const { rows } = await sql<{ name: string }>`
    select older.relname as name
    from pg_class as named join pg_namespace as space on space.oid = named.relnamespace
      join pg_index as later on later.indexrelid = named.oid and later.indisvalid
      join pg_index as index on index.indrelid = later.indrelid and index.indpred is null
      join pg_class as older on older.oid = index.indexrelid
    where space.nspname = current_schema() and named.relname = 'system_telemetry_component_type_idx'
      and array(
        select attname::text from unnest(index.indkey::int[]) with ordinality as key (number, place)
          join pg_attribute on attrelid = index.indrelid and attnum = number
        order by place
      ) = '{component,event_type,timestamp}'`.execute(db);
  return rows;
}

async function alone(pool: pg.Pool, statement: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(statement);
  } finally {
    client.release();
  }
}

/** Partitions without a part of the index, and whether they have a failed one of its name. */
async function leavesWithout(
  db: Kysely<Database>,
  index: string,
  kind: string,
): Promise<{ leaf: string; invalid: boolean }[]> {
  const { rows } = await sql<{ leaf: string; invalid: boolean }>`
    select leaf.relname as leaf, coalesce(not own.indisvalid, false) as invalid
    from pg_class as parent join pg_namespace as space on space.oid = parent.relnamespace
      join pg_index as whole on whole.indexrelid = parent.oid
      join pg_inherits as part on part.inhparent = whole.indrelid
      join pg_class as leaf on leaf.oid = part.inhrelid
      left join pg_class as named on named.relnamespace = leaf.relnamespace
        and named.relname = leaf.relname || ${`_${kind}_idx`}
      left join pg_index as own on own.indexrelid = named.oid
    where space.nspname = current_schema() and parent.relname = ${index}
      and not exists (
        select from pg_index join pg_inherits as inherited on inherited.inhrelid = indexrelid
        where indrelid = leaf.oid and inherited.inhparent = parent.oid
      )`.execute(db);
  return rows;
}
