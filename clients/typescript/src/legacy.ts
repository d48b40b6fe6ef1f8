import type { EventPage, Footprint, Stats, Trends } from './query.ts';

/** The shapes that callers of the first telemetry module know; their names are kept as they were. */

export interface LegacyEvent {
  readonly id: string;
  readonly event_type: string;
  readonly component: string | null;
  readonly value: number | null;
  readonly metadata: Record<string, unknown>;
  readonly status: string | null;
  readonly timestamp: Date | null;
}

export interface LegacyEfficiency {
  readonly component: string | null;
  readonly measurement_count: number;
  readonly avg_efficiency_score: number | null;
  /** The least milliseconds per token. */
  readonly best_efficiency: number | null;
  readonly worst_efficiency: number | null;
  readonly total_tokens: number;
}

export interface LegacyEfficiencies {
  readonly components: LegacyEfficiency[];
  readonly time_window_hours: number;
}

export interface LegacyStatistics {
  readonly overall: {
    readonly total_measurements: number;
    readonly unique_models: number;
    readonly oldest_record: Date | null;
    readonly newest_record: Date | null;
  };
  readonly model_trends: {
    readonly component: string | null;
    readonly avg_efficiency: number | null;
    readonly measurement_count: number;
    readonly total_tokens_processed: number;
  }[];
  readonly retention_window_days: number;
}

export interface LegacyFootprint {
  /** The largest first. */
  readonly table_sizes: {
    readonly tablename: string;
    /** As PostgreSQL's `pg_size_pretty` writes it. */
    readonly total_size: string;
    readonly size_bytes: number;
    readonly table_name: string;
    readonly total_bytes: number;
    readonly index_bytes: number;
    readonly partitions: number;
  }[];
  readonly row_counts: Record<string, number>;
  /** ISO 8601, as `monitored_at` is. */
  readonly oldest_telemetry_record: string | null;
  readonly monitored_at: string | null;
}

export function legacyEvents({ events }: EventPage): LegacyEvent[] {
  return events.map((event) => ({
    id: event.id,
    event_type: event.eventType,
    component: event.component || null,
    value: event.value ?? null,
    metadata: event.metadata ?? {},
    status: event.status || null,
    timestamp: event.timestamp ?? null,
  }));
}

type ComponentStats = Omit<Stats['components'][number], 'component'> & {
  component?: string | undefined;
};

export const legacyEfficiency = (stats: ComponentStats): LegacyEfficiency => ({
  component: stats.component ?? null,
  measurement_count: stats.measurementCount,
  avg_efficiency_score: stats.avgEfficiencyScore ?? null,
  best_efficiency: stats.bestEfficiency ?? null,
  worst_efficiency: stats.worstEfficiency ?? null,
  total_tokens: stats.totalTokens,
});

type Trend = Trends['modelTrends'][number];

export function legacyStatistics(trends: Trends): LegacyStatistics {
  const { overall } = trends;
  return {
    overall: {
      total_measurements: overall?.totalMeasurements ?? 0,
      unique_models: overall?.uniqueModels ?? 0,
      oldest_record: overall?.oldestRecord ?? null,
      newest_record: overall?.newestRecord ?? null,
    },
    model_trends: [...trends.modelTrends].sort(byEfficiency).map((trend) => ({
      component: trend.component ?? null,
      avg_efficiency: trend.avgEfficiency ?? null,
      measurement_count: trend.measurementCount,
      total_tokens_processed: trend.totalTokensProcessed,
    })),
    retention_window_days: trends.retentionWindowDays,
  };
}

/** Few milliseconds per token are best; models without a measured value come last. */
const byEfficiency = (a: Trend, b: Trend) =>
  (a.avgEfficiency ?? Number.MAX_VALUE) - (b.avgEfficiency ?? Number.MAX_VALUE);

export function legacyFootprint(footprint: Footprint): LegacyFootprint {
  const bySize = [...footprint.tableSizes].sort((a, b) => b.totalBytes - a.totalBytes);
  return {
    table_sizes: bySize.map((size) => ({
      tablename: size.tableName,
      total_size: prettySize(size.totalBytes),
      size_bytes: size.totalBytes,
      table_name: size.tableName,
      total_bytes: size.totalBytes,
      index_bytes: size.indexBytes,
      partitions: size.partitions,
    })),
    row_counts: footprint.rowCounts,
    oldest_telemetry_record: footprint.oldestTelemetryRecord?.toISOString() ?? null,
    monitored_at: footprint.monitoredAt?.toISOString() ?? null,
  };
}

export function prettySize(bytes: number): string {
  if (bytes < 10 * 1024) return `${bytes} bytes`;
  // One bit more than the unit has is kept for rounding.
  let halves = Math.floor(bytes / 512);
  for (const unit of ['kB', 'MB', 'GB', 'TB']) {
    if (halves < 20 * 1024 - 1) return `${Math.floor((halves + 1) / 2)} ${unit}`;
    halves = Math.floor(halves / 1024);
  }
  return `${Math.floor((halves + 1) / 2)} PB`;
}
