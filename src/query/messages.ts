import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { listEdition } from '../prices/list.ts';
import type { Pricer } from '../prices/pricer.ts';
import type { EventRow } from './events.ts';
import { doubleMetadata } from './metadata.ts';
import type { ComponentStatistics, UsageTotals } from './statistics.ts';

export function eventMessage(row: EventRow) {
  const us = BigInt(row.timestamp_us);
  const seconds = us / 1_000_000n - (us % 1_000_000n < 0n ? 1n : 0n);
  return create(EventSchema, {
    id: row.id,
    eventType: row.event_type,
    component: row.component ?? '',
    ...present('value', row.value),
    ...present('metadata', row.metadata === null ? null : doubleMetadata(row.metadata)),
    status: row.status ?? '',
    timestamp: { seconds, nanos: Number(us - seconds * 1_000_000n) * 1000 },
  });
}

export function componentMessage(row: ComponentStatistics) {
  return {
    ...present('component', row.component),
    measurementCount: BigInt(row.measurement_count),
    ...present('avgEfficiencyScore', row.avg_efficiency_score),
    ...present('bestEfficiency', row.best_efficiency),
    ...present('worstEfficiency', row.worst_efficiency),
    totalTokens: BigInt(row.total_tokens ?? 0),
  };
}

export function usageMessage(row: UsageTotals) {
  return {
    requests: BigInt(row.requests),
    inputTokens: BigInt(row.input_tokens),
    outputTokens: BigInt(row.output_tokens),
    totalTokens: BigInt(row.total_tokens),
    ...present('avgDurationMs', row.avg_duration_ms),
    costUsd: row.cost_usd,
    cachedTokens: BigInt(row.cached_tokens),
    cacheWriteTokens: BigInt(row.cache_write_tokens),
    reasoningTokens: BigInt(row.reasoning_tokens),
    ambiguous: BigInt(row.ambiguous),
    unpriced: BigInt(row.unpriced),
    unpricedTokens: BigInt(row.unpriced_tokens),
  };
}

/** The prices that costs are computed by at the moment. */
export function editions({ own: { version, date } }: Pricer) {
  return {
    priceList: listEdition,
    ...present('ownPrices', version === '' ? null : { name: 'own', version, date }),
  };
}

/** A field, unless there is nothing to set it to. */
export function present<Name extends string, Value>(name: Name, value: Value | null) {
  return (value === null ? {} : { [name]: value }) as { [Key in Name]?: Value };
}

export function time<Name extends string>(name: Name, value: Date | null) {
  return present(name, value && timestampFromDate(value));
}
