import { sql } from 'kysely';
import type { ShardFacts } from '../database/cluster/shard-facts.ts';
import { partitionedTables } from '../database/partitions.ts';
import { usOf } from './ask/instants.ts';
import type { Snapshot } from './ask/snapshot.ts';
import { hasShownTime } from './row-values.ts';

type Trx = Snapshot['trx'];

export interface TableSize {
  readonly table_name: string;
  readonly total_bytes: number;
  readonly index_bytes: number;
  readonly partitions: number;
}

/** Larger tables are not counted but estimated, from PostgreSQL's own statistics. */
const countedBytesMax = 256 * 1024 * 1024;

/** Of each partition whose rows lie on the workers of a cluster; empty for plain PostgreSQL. */
type OnWorkers = ReadonlyMap<string, ShardFacts>;

/** What the partitioned tables take. Such a table itself is empty: its leaves are summed. */
export async function tableSizes(trx: Trx, onWorkers: OnWorkers): Promise<TableSize[]> {
  const sizes = await sizesOf(trx, partitionedTables);
  return sizes.map((size) => {
    const shards = shardsOf(onWorkers, size.table_name);
    return {
      ...size,
      total_bytes: sum(shards, 'bytes', size.total_bytes),
      index_bytes: sum(shards, 'indexBytes', size.index_bytes),
    };
  });
}

const shardsOf = (onWorkers: OnWorkers, table: string): ShardFacts[] =>
  [...onWorkers].flatMap(([leaf, facts]) => (leaf.startsWith(`${table}_`) ? facts : []));

const sum = (shards: readonly ShardFacts[], of: keyof ShardFacts, others = 0): number =>
  shards.reduce((total, facts) => total + facts[of], others);

export async function sizesOf(trx: Trx, tables: readonly string[]): Promise<TableSize[]> {
  const { rows } = await sql<TableSize>`
    select name as table_name,
      coalesce(sum(pg_total_relation_size(relid)), 0)::bigint as total_bytes,
      coalesce(sum(pg_indexes_size(relid)), 0)::bigint as index_bytes,
      count(relid)::int as partitions
    from unnest(${[...tables]}::text[]) with ordinality as each (name, number)
      left join lateral (
        select relid from pg_partition_tree(to_regclass(name)) where isleaf
        union all
        select to_regclass(name) where not exists (select from pg_partition_tree(to_regclass(name)))
          and to_regclass(name) is not null
      ) as leaves on true
    group by name, number order by number`.execute(trx);
  return rows;
}

export async function rowCounts(
  trx: Trx,
  sizes: readonly TableSize[],
  onWorkers: OnWorkers,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const size of sizes) {
    const shards = shardsOf(onWorkers, size.table_name);
    counts[size.table_name] = await rowCount(trx, size, shards);
  }
  return counts;
}

async function rowCount(
  trx: Trx,
  { table_name, total_bytes }: TableSize,
  shards: readonly ShardFacts[],
): Promise<number> {
  const isCounted = total_bytes <= countedBytesMax;
  if (!isCounted && shards.length > 0) return sum(shards, 'rows');
  const counted = sql<{ count: number }>`select count(*) as count from ${sql.table(table_name)}`;
  const estimated = sql<{ count: number }>`
    select coalesce(sum(greatest(reltuples, 0)), 0)::bigint as count
    from pg_partition_tree(to_regclass(${table_name})) join pg_class on oid = relid
    where isleaf`;
  const { rows } = await (isCounted ? counted : estimated).execute(trx);
  return rows[0]?.count ?? 0;
}

/** In microseconds since 1970; null where there is none. */
export async function oldestEventUs(trx: Trx): Promise<number | null> {
  const { rows } = await sql<{ at: number }>`
    select ${usOf(sql`"timestamp"`)} as at from system_telemetry
    where ${hasShownTime} order by "timestamp" limit 1`.execute(trx);
  return rows[0]?.at ?? null;
}

export interface PartitionSize {
  readonly table_name: string;
  readonly partition_name: string;
  readonly start_us: number | null;
  readonly end_us: number | null;
  readonly rows: number;
  readonly total_bytes: number;
}

const partitionsMax = 400;

/** Of each table of rows, newest first. Rows are as PostgreSQL's statistics have them. */
export async function partitionSizes(
  trx: Trx,
  tables: readonly string[],
  onWorkers: OnWorkers,
): Promise<PartitionSize[]> {
  const bound = (which: 'FROM' | 'TO') => sql`
    (substring(bounds from ${sql.lit(`${which} \\('([^']+)'\\)`)}))::timestamptz`;
  const finite = (time: ReturnType<typeof bound>) =>
    usOf(sql`case when isfinite(${time}) then ${time} end`);
  const { rows } = await sql<PartitionSize>`
    select * from (
      select name as table_name, class.relname as partition_name,
        ${finite(bound('FROM'))} as start_us, ${finite(bound('TO'))} as end_us,
        greatest(class.reltuples, 0)::bigint as rows,
        pg_total_relation_size(class.oid)::bigint as total_bytes,
        row_number() over (partition by name order by ${bound('FROM')} desc nulls last) as number
      from unnest(${[...tables]}::text[]) as name,
        pg_partition_tree(to_regclass(name)) as tree
        join pg_class as class on class.oid = tree.relid,
        pg_get_expr(class.relpartbound, class.oid) as bounds
      where tree.isleaf and class.oid <> to_regclass(name)
    ) as numbered
    where number <= ${partitionsMax}
    order by table_name, number`.execute(trx);
  return rows.map((row) => {
    const there = onWorkers.get(row.partition_name);
    return there ? { ...row, rows: there.rows, total_bytes: row.total_bytes + there.bytes } : row;
  });
}

export interface RollupSizes {
  readonly series: Record<string, number>;
  readonly settled_us: number;
  readonly floor_us: number | null;
  readonly oldest_us: number | null;
  readonly waiting: number;
}

export async function rollupSizes(
  trx: Trx,
  seriesTables: readonly string[],
  dayTables: readonly string[],
): Promise<RollupSizes> {
  const oldest = dayTables.map((table) => sql`(select min(bucket) from ${sql.table(table)})`);
  const { rows } = await sql<Omit<RollupSizes, 'series'>>`
    select ${usOf(sql`settled_at`)} as settled_us,
      ${usOf(sql`case when isfinite(raw_floor) then raw_floor end`)} as floor_us,
      ${usOf(sql`least(${sql.join(oldest)})`)} as oldest_us,
      (select coalesce(sum(events), 0) from rollup_fresh)::bigint as waiting
    from rollup_state`.execute(trx);
  const series: Record<string, number> = {};
  for (const table of seriesTables) {
    const count = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(table)} where margin = 'series'`.execute(trx);
    series[table.replace('_series', '')] = count.rows[0]?.count ?? 0;
  }
  return { ...(rows[0] as Omit<RollupSizes, 'series'>), series };
}

export interface DeadLetters {
  readonly table_name: string;
  readonly reason: string;
  readonly count: number;
  readonly newest_us: number;
  readonly total: number;
  readonly oldest_us: number;
}

/** By table and reason, most first. */
export async function deadLetterReasons(trx: Trx): Promise<DeadLetters[]> {
  const { rows } = await sql<DeadLetters>`
    select table_name, reason, count(*) as count, ${usOf(sql`max(created_at)`)} as newest_us,
      sum(count(*)) over ()::bigint as total, ${usOf(sql`min(min(created_at)) over ()`)} as oldest_us
    from (select table_name, left(reason, 200) as reason, created_at from dead_letters) as letters
    group by table_name, reason order by count(*) desc, table_name, reason limit 20`.execute(trx);
  return rows;
}
