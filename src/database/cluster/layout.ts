import { type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';

/** Tables of ours whose rows lie on the workers of a Citus cluster, with what is told of them. */
export type Layout = ReadonlyMap<string, { readonly shards: number }>;

const plain: Layout = new Map();

const distributed = sql`pg_dist_partition join pg_class as class on class.oid = logicalrelid
  join pg_namespace as space on space.oid = relnamespace`;
const isOurs = sql`nspname = current_schema() and partmethod = 'h' and relispartition is false`;

/** Empty for plain PostgreSQL, and before the tables were distributed. */
export async function layoutOf(db: Kysely<Database>): Promise<Layout> {
  if (!(await hasCitus(db))) return plain;
  const { rows } = await sql<{ name: string; shards: number }>`
    select relname as name, count(shardid)::int as shards
    from ${distributed} left join pg_dist_shard using (logicalrelid)
    where ${isOurs}
    group by relname`.execute(db);
  return new Map(rows.map(({ name, shards }) => [name, { shards }]));
}

/** Whether the rows of a table, or of the table of a partition, lie on workers. */
export async function isDistributed(db: Kysely<Database>, table: string): Promise<boolean> {
  if (!(await hasCitus(db))) return false;
  const { rows } = await sql`
    select from ${distributed} where ${isOurs} and relname = ${table}`.execute(db);
  return rows.length > 0;
}

/** Whether this database has the extension: without it none of its names can be asked for. */
export const isCitusThere = sql<boolean>`to_regclass('pg_catalog.pg_dist_partition') is not null`;

export async function hasCitus(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`select ${isCitusThere} as found`.execute(db);
  return rows[0]?.found === true;
}
