import { type Kysely, sql } from 'kysely';
import { partitionedTables } from '../database/partitions.ts';
import type { Database } from '../database/schema.ts';
import { hasShownTime } from './events.ts';

interface TableSize {
  readonly table_name: string;
  readonly total_bytes: number;
  readonly index_bytes: number;
  readonly partitions: number;
}

export interface Footprint {
  readonly tableSizes: readonly TableSize[];
  readonly rowCounts: Readonly<Record<string, number>>;
  readonly oldestRecord: Date | null;
}

/** Larger tables are not counted but estimated, from PostgreSQL's own statistics. */
const countedBytesMax = 256 * 1024 * 1024;

/** What the tables take. A partitioned table itself is empty: its leaves are summed. */
export async function footprint(db: Kysely<Database>): Promise<Footprint> {
  const tableSizes = await Promise.all(partitionedTables.map((table) => tableSize(db, table)));
  const counts = await Promise.all(
    tableSizes.map(async (size) => [size.table_name, await rowCount(db, size)] as const),
  );
  const oldest = await db
    .selectFrom('system_telemetry')
    .select('timestamp')
    .where(hasShownTime)
    .orderBy('timestamp')
    .limit(1)
    .executeTakeFirst();
  return {
    tableSizes,
    rowCounts: Object.fromEntries(counts),
    oldestRecord: oldest?.timestamp ?? null,
  };
}

async function tableSize(db: Kysely<Database>, table: string): Promise<TableSize> {
  const { rows } = await sql<TableSize>`
    select
      ${table}::text as table_name,
      coalesce(sum(pg_total_relation_size(relid)), 0)::bigint as total_bytes,
      coalesce(sum(pg_indexes_size(relid)), 0)::bigint as index_bytes,
      count(*)::int as partitions
    from pg_partition_tree(to_regclass(${table}))
    where isleaf`.execute(db);
  return rows[0] as TableSize;
}

async function rowCount(db: Kysely<Database>, size: TableSize): Promise<number> {
  const counted = size.total_bytes <= countedBytesMax;
  const { rows } = counted
    ? await sql<{
        count: number;
      }>`select count(*) as count from ${sql.table(size.table_name)}`.execute(db)
    : await sql<{ count: number }>`
        select coalesce(sum(greatest(reltuples, 0)), 0)::bigint as count
        from pg_partition_tree(to_regclass(${size.table_name})) join pg_class on oid = relid
        where isleaf`.execute(db);
  return rows[0]?.count ?? 0;
}
