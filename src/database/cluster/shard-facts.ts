import { type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';
import { hasCitus } from './layout.ts';
import { askAll } from './nodes.ts';

/** What workers say of the shards of one partition, or of a table. */
export interface ShardFacts {
  readonly bytes: number;
  readonly indexBytes: number;
  /** As their statistics have it. */
  readonly rows: number;
  /** What they have counted of rows that were updated and deleted. */
  readonly changes: number;
}

type Told = readonly [
  shard: string,
  bytes: number,
  indexBytes: number,
  rows: number,
  changes: number,
];

const none: ShardFacts = { bytes: 0, indexBytes: 0, rows: 0, changes: 0 };

/**
 * By the name of a partition what its shards are, all servers asked once; empty for plain
 * PostgreSQL. Throws where one does not answer: a part of a size is none.
 */
export async function shardFacts(db: Kysely<Database>): Promise<Map<string, ShardFacts>> {
  if (!(await hasCitus(db))) return new Map();
  const { rows: shards } = await sql<{ shard: string; leaf: string }>`
    select shardid::text as shard, relname as leaf
    from pg_dist_shard join pg_class as class on class.oid = logicalrelid
      join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema()`.execute(db);
  if (shards.length === 0) return new Map();
  const leaves = new Map(shards.map(({ shard, leaf }) => [shard, leaf]));
  const facts = new Map<string, ShardFacts>();
  for (const [shard, bytes, indexBytes, rows, changes] of await toldShards(db)) {
    const leaf = leaves.get(shard);
    if (leaf === undefined) continue;
    const known = facts.get(leaf) ?? none;
    facts.set(leaf, {
      bytes: known.bytes + bytes,
      indexBytes: known.indexBytes + indexBytes,
      rows: known.rows + rows,
      changes: known.changes + changes,
    });
  }
  return facts;
}

async function toldShards(db: Kysely<Database>): Promise<readonly Told[]> {
  const { rows } = await sql<{ schema: string }>`
    select quote_literal(current_schema()) as schema`.execute(db);
  const said = await askAll<{ shards: readonly Told[] }>(
    db,
    `select coalesce(json_agg(json_build_array(
        substring(relname, '_([0-9]+)$'), pg_total_relation_size(class.oid),
        pg_indexes_size(class.oid), greatest(reltuples, 0)::bigint,
        pg_stat_get_tuples_updated(class.oid) + pg_stat_get_tuples_deleted(class.oid))), '[]') as shards
      from pg_class as class join pg_namespace as space on space.oid = relnamespace
      where nspname = ${rows[0]?.schema} and relkind = 'r' and relname ~ '_[0-9]+$'`,
  );
  return said.flatMap(({ row }) => {
    if (!row) throw new Error('a node of the cluster does not answer');
    return row.shards;
  });
}

/** What the database takes on all servers of a cluster; undefined for plain PostgreSQL. */
export async function clusterBytes(db: Kysely<Database>): Promise<number | undefined> {
  if (!(await hasCitus(db))) return undefined;
  const said = await askAll<{ bytes: number }>(
    db,
    'select pg_database_size(current_database()) as bytes',
  );
  return said.reduce((sum, { row }) => sum + (row?.bytes ?? 0), 0);
}
