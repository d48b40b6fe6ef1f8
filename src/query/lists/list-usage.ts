import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import {
  type ListUsageRequest,
  type ListUsageResponse,
  ListUsageResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  type Usage,
  UsageSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { hasCost, usageFilter } from '../ask/filters.ts';
import { timestampOfUs, usOf } from '../ask/instants.ts';
import type { Asker, Snapshots } from '../ask/snapshot.ts';
import { present } from '../messages.ts';
import { doubleMetadata } from '../metadata.ts';
import { observedUs, shownNumber } from '../row-values.ts';
import { listPage } from './list-page.ts';
import type { ListedRow } from './list-records.ts';

/** Texts of a record, by their fields and columns. */
const texts = {
  model: 'model',
  layer: 'layer',
  provider: 'provider',
  operation: 'operation',
  ghostId: 'ghost_id',
  shellId: 'shell_id',
  sessionId: 'session_id',
  responseId: 'response_id',
  requestId: 'request_id',
  agent: 'agent',
  userId: 'user_id',
  team: 'team',
  project: 'project',
  traceId: 'trace_id',
  spanId: 'span_id',
  status: 'status',
  errorType: 'error_type',
  serviceTier: 'service_tier',
  costSource: 'cost_source',
  usageRule: 'usage_rule',
} as const;

/** Counts of a record, by their fields and columns. */
const counts = {
  inputTokens: 'prompt_tokens',
  outputTokens: 'completion_tokens',
  cachedTokens: 'cached_tokens',
  reasoningTokens: 'reasoning_tokens',
  cacheWriteTokens: 'cache_write_tokens',
  cacheWrite1hTokens: 'cache_write_1h_tokens',
} as const;

type Text = (typeof texts)[keyof typeof texts];
type Count = (typeof counts)[keyof typeof counts];

export interface UsageRow extends ListedRow, Readonly<Record<Text, string | null>> {
  readonly duration_ms: number | null;
  readonly time_to_first_token_ms: number | null;
  /** To the last digit. */
  readonly cost_usd: string | null;
  /** As jsonb writes it. */
  readonly metadata: string | null;
  readonly ambiguous: boolean | null;
  readonly observed_at_us: number;
}
/** Counts are texts: numbers do not hold all of them. */
export type FullUsageRow = UsageRow & Readonly<Record<Count, string | null>>;

/** Of a row. */
export const usageColumns = sql`id, ${sql.join(Object.values(texts).map(sql.ref))},
  ${sql.join(Object.values(counts).map((name) => sql`${sql.ref(name)}::text as ${sql.ref(name)}`))},
  duration_ms, time_to_first_token_ms,
  case when ${hasCost} then cost_usd::text end as cost_usd, ambiguous,
  metadata::text as metadata, ${usOf(sql`"timestamp"`)} as timestamp_us,
  ${observedUs} as observed_at_us`;

/** A page of usage records, and the rows of it, whose metadata has all its digits. */
export async function listUsage(
  snapshots: Snapshots,
  request: ListUsageRequest,
  asker: Asker,
): Promise<{ response: ListUsageResponse; rows: readonly UsageRow[] }> {
  const about = {
    kind: 'usage',
    columns: usageColumns,
    filter: usageFilter(request.filter, {}),
  } as const;
  const page = await listPage<FullUsageRow>(snapshots, about, request, asker);
  const { rows, nextPageToken, source } = page;
  const records = rows.map(recordMessage);
  return { response: create(ListUsageResponseSchema, { records, nextPageToken, source }), rows };
}

const recordMessage = (row: FullUsageRow) => ({
  usage: usageRecord(row),
  observedAt: timestampOfUs(row.observed_at_us),
  ambiguous: row.ambiguous === true,
  ...present('costUsd', row.cost_usd),
});

export function usageRecord(row: FullUsageRow): Usage {
  const cost = row.cost_usd === null ? null : Number(row.cost_usd);
  return create(UsageSchema, {
    id: row.id,
    ...Object.fromEntries(Object.entries(texts).map(([name, column]) => [name, row[column] ?? ''])),
    ...Object.fromEntries(
      Object.entries(counts).map(([name, column]) => [name, BigInt(row[column] ?? 0)]),
    ),
    ...present('durationMs', shownNumber(row.duration_ms)),
    ...present('timeToFirstTokenMs', shownNumber(row.time_to_first_token_ms)),
    ...present('costUsd', cost !== null && Number.isFinite(cost) ? cost : null),
    ...present('metadata', row.metadata === null ? null : doubleMetadata(row.metadata)),
    timestamp: timestampOfUs(row.timestamp_us),
  });
}
