import { type RawBuilder, sql } from 'kysely';
import type { ShardFacts } from '../database/cluster/shard-facts.ts';
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

export interface PartitionSize {
  readonly table_name: string;
  readonly partition_name: string;
  readonly start_us: number | null;
  readonly end_us: number | null;
  /** As PostgreSQL's statistics have it. */
  readonly rows: number;
  readonly total_bytes: number;
  readonly index_bytes: number;
}

/** Larger tables are not counted but estimated, from PostgreSQL's own statistics. */
const countedBytesMax = 256 * 1024 * 1024;
const partitionsMax = 400;

/** Of each partition whose rows lie on the workers of a cluster; empty for plain PostgreSQL. */
type OnWorkers = ReadonlyMap<string, ShardFacts>;

/** The partitions of tables, newest first, and as they are what has none. Their files are looked at once. */
export async function partsOfTables(
  trx: Trx,
  tables: readonly string[],
  onWorkers: OnWorkers,
): Promise<PartitionSize[]> {
  // Those of the ledger are ids.
  const bound = (which: 'FROM' | 'TO') => sql`
    (substring(bounds from ${sql.lit(`${which} \\('(\\d+-\\d\\d-\\d\\d [^']*)'\\)`)}))::timestamptz`;
  const finite = (time: RawBuilder<unknown>) =>
    usOf(sql`case when isfinite(${time}) then ${time} end`);
  const { rows } = await sql<PartitionSize>`
    select name as table_name, relname as partition_name,
      ${finite(sql`start_at`)} as start_us, ${finite(sql`end_at`)} as end_us,
      greatest(reltuples, 0)::bigint as rows,
      (pg_table_size(relid) + indexes)::bigint as total_bytes, indexes::bigint as index_bytes
    from (
      select name, number, relid, relname, reltuples, pg_indexes_size(relid) as indexes,
        ${bound('FROM')} as start_at, ${bound('TO')} as end_at
      from unnest(${[...tables]}::text[]) with ordinality as each (name, number)
        cross join lateral (
          select relid from pg_partition_tree(to_regclass(name)) where isleaf
          union all
          select to_regclass(name) where not exists (select from pg_partition_tree(to_regclass(name)))
            and to_regclass(name) is not null
        ) as leaves
        join pg_class as class on class.oid = relid
        cross join lateral pg_get_expr(class.relpartbound, class.oid) as bounds
      offset 0
    ) as leaf
    order by number, start_at desc nulls last`.execute(trx);
  return rows.map((row) => {
    const there = onWorkers.get(row.partition_name);
    if (!there) return row;
    return {
      ...row,
      rows: there.rows,
      total_bytes: row.total_bytes + there.bytes,
      index_bytes: row.index_bytes + there.indexBytes,
    };
  });
}

/** What tables take. A partitioned one itself is empty: its leaves are summed. */
export const sizesOf = (tables: readonly string[], parts: readonly PartitionSize[]): TableSize[] =>
  tables.map((name) => {
    const own = partsOf(name, parts);
    return {
      table_name: name,
      total_bytes: own.reduce((sum, { total_bytes }) => sum + total_bytes, 0),
      index_bytes: own.reduce((sum, { index_bytes }) => sum + index_bytes, 0),
      partitions: own.length,
    };
  });

const partsOf = (table: string, parts: readonly PartitionSize[]): PartitionSize[] =>
  parts.filter(({ table_name }) => table_name === table);

export async function rowCounts(
  trx: Trx,
  sizes: readonly TableSize[],
  parts: readonly PartitionSize[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { table_name: name, total_bytes } of sizes) {
    counts[name] =
      total_bytes <= countedBytesMax
        ? await rowCount(trx, name)
        : partsOf(name, parts).reduce((sum, { rows }) => sum + rows, 0);
  }
  return counts;
}

async function rowCount(trx: Trx, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(table)}`.execute(trx);
  return rows[0]?.count ?? 0;
}

/** Of each of some tables the newest. */
export const partitionsOf = (
  tables: readonly string[],
  parts: readonly PartitionSize[],
): PartitionSize[] =>
  tables.flatMap((name) =>
    partsOf(name, parts)
      .filter(({ partition_name }) => partition_name !== name)
      .slice(0, partitionsMax),
  );

/** In microseconds since 1970; null where there is none. */
export async function oldestEventUs(trx: Trx): Promise<number | null> {
  const { rows } = await sql<{ at: number }>`
    select ${usOf(sql`"timestamp"`)} as at from system_telemetry
    where ${hasShownTime} order by "timestamp" limit 1`.execute(trx);
  return rows[0]?.at ?? null;
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
