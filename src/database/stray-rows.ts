import { type Kysely, sql } from 'kysely';
import type { DataTable } from './expected-tables.ts';
import { ensurePartitions } from './partitions.ts';
import type { Database } from './schema.ts';

/** Days that are seen to at a time; the others follow the next time. */
const daysMax = 400;

/**
 * Gives their days to older rows that have none: what was restored from an export. Needs the
 * maintenance lock.
 */
export async function settleStrays(
  db: Kysely<Database>,
  table: DataTable,
  beforeMs: number,
): Promise<void> {
  const { rows } = await sql<{ ms: number }>`
    select distinct (extract(epoch from date_trunc('day', "timestamp", 'UTC')) * 1000)::bigint as ms
    from only ${sql.table(`${table}_default`)}
    where "timestamp" >= timestamptz '1700-01-01 UTC' and "timestamp" < ${new Date(beforeMs)}
    limit ${daysMax}`.execute(db);
  for (const { ms } of rows) await ensurePartitions(db, { table, fromMs: ms, toMs: ms });
}
