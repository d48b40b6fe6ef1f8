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

/** What a database takes on all servers of a cluster. */
export interface ClusterSizes {
  /** By the name of a partition what its shards are. */
  readonly leaves: ReadonlyMap<string, ShardFacts>;
  /** With everything else; undefined for plain PostgreSQL, whose `leaves` are empty. */
  readonly bytes: number | undefined;
}

const ofPlain: ClusterSizes = { leaves: new Map(), bytes: undefined };

/** All servers are asked once. Throws where one does not answer: a part of a size is none. */
async function clusterSizes(db: Kysely<Database>): Promise<ClusterSizes> {
  if (!(await hasCitus(db))) return ofPlain;
  const { rows: shards } = await sql<{ shard: string; leaf: string }>`
    select shardid::text as shard, relname as leaf
    from pg_dist_shard join pg_class as class on class.oid = logicalrelid
      join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema()`.execute(db);
  const leafOf = new Map(shards.map(({ shard, leaf }) => [shard, leaf]));
  const leaves = new Map<string, ShardFacts>();
  let all = 0;
  for (const { told, bytes } of await toldByServers(db)) {
    all += bytes;
    for (const [shard, bytes, indexBytes, rows, changes] of told) {
      const leaf = leafOf.get(shard);
      if (leaf === undefined) continue;
      const known = leaves.get(leaf) ?? none;
      leaves.set(leaf, {
        bytes: known.bytes + bytes,
        indexBytes: known.indexBytes + indexBytes,
        rows: known.rows + rows,
        changes: known.changes + changes,
      });
    }
  }
  return { leaves, bytes: all };
}

export const shardFacts = async (db: Kysely<Database>): Promise<ClusterSizes['leaves']> =>
  (await clusterSizes(db)).leaves;

/**
 * The same for those who ask again and again, as of some seconds ago: most of what it takes is to
 * connect to each server, which is done anew each time.
 */
export function recentSizes(msMax: number): (db: Kysely<Database>) => Promise<ClusterSizes> {
  let known: { readonly sizes: ClusterSizes; readonly atMs: number } | undefined;
  return async (db) => {
    const atMs = performance.now();
    if (!known || atMs - known.atMs > msMax) known = { sizes: await clusterSizes(db), atMs };
    return known.sizes;
  };
}

interface ToldByServer {
  readonly told: readonly Told[];
  readonly bytes: number;
}

async function toldByServers(db: Kysely<Database>): Promise<ToldByServer[]> {
  const { rows } = await sql<{ schema: string }>`
    select quote_literal(current_schema()) as schema`.execute(db);
  const said = await askAll<ToldByServer>(
    db,
    `select pg_database_size(current_database()) as bytes, coalesce(json_agg(json_build_array(
        substring(relname, '_([0-9]+)$'), pg_total_relation_size(class.oid),
        pg_indexes_size(class.oid), greatest(reltuples, 0)::bigint,
        pg_stat_get_tuples_updated(class.oid) + pg_stat_get_tuples_deleted(class.oid))), '[]') as told
      from pg_class as class join pg_namespace as space on space.oid = relnamespace
      where nspname = ${rows[0]?.schema} and relkind = 'r' and relname ~ '_[0-9]+$'`,
  );
  return said.map(({ row }) => {
    if (!row) throw new Error('a node of the cluster does not answer');
    return row;
  });
}
