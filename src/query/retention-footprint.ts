import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Kysely, sql } from 'kysely';
import type { RetentionFootprintSchema } from '../../gen/typescript/gravitas/telemetry/v1/footprint_pb.js';
import type { Database } from '../database/schema.ts';
import { readFloors } from '../rollup/floors.ts';
import { time } from './messages.ts';

const droppedMax = 20;

const bound = (ms: number | null): Date | null =>
  ms === null || !Number.isFinite(ms) ? null : new Date(ms);

/** What retention has removed so far. */
export async function retentionFootprint(
  db: Kysely<Database>,
): Promise<MessageInitShape<typeof RetentionFootprintSchema>> {
  const { rowsMs, levelsMs } = await readFloors(db);
  const total = await sql<{ partitions: number; bytes: number }>`
    select count(*) as partitions, coalesce(sum(bytes), 0)::bigint as bytes
    from retention_drops`.execute(db);
  const dropped = await db
    .selectFrom('retention_drops')
    .select(['table_name', 'partition_name', 'to_time', 'reason', 'dropped_at'])
    .select([
      sql<number>`bytes`.as('bytes'),
      sql<Date | null>`case when isfinite(from_time) then from_time end`.as('from_time'),
    ])
    .orderBy('dropped_at', 'desc')
    .orderBy('to_time', 'desc')
    .limit(droppedMax)
    .execute();
  return {
    ...time('eventFloor', bound(rowsMs.event)),
    ...time('usageFloor', bound(rowsMs.usage)),
    ...time('quarterFloor', bound(levelsMs.quarter)),
    ...time('hourFloor', bound(levelsMs.hour)),
    ...time('dayFloor', bound(levelsMs.day)),
    droppedPartitions: BigInt(total.rows[0]?.partitions ?? 0),
    droppedBytes: BigInt(total.rows[0]?.bytes ?? 0),
    dropped: dropped.map((each) => ({
      tableName: each.table_name,
      partitionName: each.partition_name,
      ...time('startTime', each.from_time),
      ...time('endTime', each.to_time),
      totalBytes: BigInt(each.bytes),
      reason: each.reason,
      ...time('droppedAt', each.dropped_at),
    })),
  };
}
