import { create } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { sql } from 'kysely';
import {
  type GetFootprintRequest,
  type GetFootprintResponse,
  GetFootprintResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { recentSizes } from '../../database/cluster/shard-facts.ts';
import { partitionedTables } from '../../database/partitions.ts';
import type { Pricer } from '../../prices/pricer.ts';
import { tables } from '../../records/tables.ts';
import { type DropTime, dropTimes, type KeptRows } from '../../retention/drop-times.ts';
import { shapes } from '../../rollup/shapes.ts';
import { timestampOfUs, usOfMs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshot, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import {
  deadLetterReasons,
  oldestEventUs,
  type PartitionSize,
  partitionsOf,
  partsOfTables,
  rollupSizes,
  rowCounts,
  sizesOf,
  type TableSize,
} from '../footprint.ts';
import { editions } from '../messages.ts';
import { retentionFootprint } from '../retention-footprint.ts';

const rowTables = Object.values(tables).map(({ name }) => name);

export async function getFootprint(
  snapshots: Snapshots,
  pricer: Pricer,
  kept: KeptRows,
  sizesOfCluster: ReturnType<typeof recentSizes>,
  _request: GetFootprintRequest,
  asker: Asker,
): Promise<GetFootprintResponse> {
  const sinceMs = performance.now();
  const notes = new Notes();
  return await snapshots.read(asker, async (snapshot) => {
    const { trx } = snapshot;
    const { leaves: onWorkers, bytes } = await sizesOfCluster(trx);
    const parts = await partsOfTables(trx, partitionedTables, onWorkers);
    const sizes = sizesOf(partitionedTables, parts);
    const counts = await rowCounts(trx, sizes, parts);
    const span = { startUs: undefined, endUs: undefined };
    const dropAt = await dropTimes(trx, kept);
    return create(GetFootprintResponseSchema, {
      tableSizes: sizes.map(sizeMessage),
      rowCounts: Object.fromEntries(
        Object.entries(counts).map(([table, rows]) => [table, BigInt(rows)]),
      ),
      ...at('oldestTelemetryRecord', await oldestEventUs(trx)),
      monitoredAt: timestampNow(),
      partitions: partitionsOf(rowTables, parts).map(partitionMessage(dropAt)),
      rollups: await rollupMessage(snapshot),
      deadLetters: await deadLetterMessage(snapshot),
      retention: await retentionFootprint(trx),
      databaseBytes: BigInt(bytes ?? (await databaseBytes(snapshot))),
      ...editions(pricer),
      source: await answerSource(snapshot, { kind: 'event', source: 'rows', span, notes, sinceMs }),
    });
  });
}

const at = <Name extends string>(name: Name, us: number | null) =>
  (us === null ? {} : { [name]: timestampOfUs(us) }) as {
    [Key in Name]?: ReturnType<typeof timestampOfUs>;
  };

const sizeMessage = (size: TableSize) => ({
  tableName: size.table_name,
  totalBytes: BigInt(size.total_bytes),
  indexBytes: BigInt(size.index_bytes),
  partitions: size.partitions,
});

const partitionMessage = (dropAt: DropTime) => (size: PartitionSize) => ({
  tableName: size.table_name,
  partitionName: size.partition_name,
  ...at('startTime', size.start_us),
  ...at('endTime', size.end_us),
  rows: BigInt(size.rows),
  totalBytes: BigInt(size.total_bytes),
  ...at('dropAt', dropUs(dropAt, size)),
});

function dropUs(dropAt: DropTime, { table_name, start_us, end_us }: PartitionSize): number | null {
  const ms = (us: number | null, otherwise: number) => (us === null ? otherwise : us / usOfMs);
  const atMs = dropAt(table_name, ms(start_us, -Infinity), ms(end_us, Infinity));
  return atMs === undefined ? null : atMs * usOfMs;
}

async function rollupMessage({ trx }: Snapshot) {
  const levels = shapes.flatMap(({ levelTables }) => Object.values(levelTables));
  const series = shapes.map(({ seriesTable }) => seriesTable);
  const names = [...levels, ...series, 'rollup_fresh'];
  const sizes = sizesOf(names, await partsOfTables(trx, names, new Map()));
  const days = shapes.map(({ levelTables }) => levelTables.day);
  const state = await rollupSizes(trx, series, days);
  return {
    totalBytes: BigInt(sizes.reduce((sum, { total_bytes }) => sum + total_bytes, 0)),
    tableSizes: sizes.map(sizeMessage),
    series: Object.fromEntries(
      Object.entries(state.series).map(([kind, count]) => [kind, BigInt(count)]),
    ),
    ...at('settledAt', state.settled_us),
    ...at('rawFloor', state.floor_us),
    ...at('oldestBucket', state.oldest_us),
    waiting: BigInt(state.waiting),
  };
}

async function deadLetterMessage({ trx }: Snapshot) {
  const reasons = await deadLetterReasons(trx);
  return {
    total: BigInt(reasons[0]?.total ?? 0),
    ...at('oldestAt', reasons[0]?.oldest_us ?? null),
    reasons: reasons.map((each) => ({
      tableName: each.table_name,
      reason: each.reason,
      count: BigInt(each.count),
      newestAt: timestampOfUs(each.newest_us),
    })),
  };
}

async function databaseBytes({ trx }: Snapshot): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select pg_database_size(current_database()) as bytes`.execute(trx);
  return rows[0]?.bytes ?? 0;
}
