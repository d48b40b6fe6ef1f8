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
  readonly table_sizes: {
    readonly table_name: string;
    readonly total_bytes: number;
    readonly index_bytes: number;
    readonly partitions: number;
  }[];
  readonly row_counts: Record<string, number>;
  readonly oldest_telemetry_record: Date | null;
  readonly monitored_at: Date | null;
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

export function legacyStatistics(trends: Trends): LegacyStatistics {
  const { overall } = trends;
  return {
    overall: {
      total_measurements: overall?.totalMeasurements ?? 0,
      unique_models: overall?.uniqueModels ?? 0,
      oldest_record: overall?.oldestRecord ?? null,
      newest_record: overall?.newestRecord ?? null,
    },
    model_trends: trends.modelTrends.map((trend) => ({
      component: trend.component ?? null,
      avg_efficiency: trend.avgEfficiency ?? null,
      measurement_count: trend.measurementCount,
      total_tokens_processed: trend.totalTokensProcessed,
    })),
    retention_window_days: trends.retentionWindowDays,
  };
}

export function legacyFootprint(footprint: Footprint): LegacyFootprint {
  return {
    table_sizes: footprint.tableSizes.map((size) => ({
      table_name: size.tableName,
      total_bytes: size.totalBytes,
      index_bytes: size.indexBytes,
      partitions: size.partitions,
    })),
    row_counts: footprint.rowCounts,
    oldest_telemetry_record: footprint.oldestTelemetryRecord ?? null,
    monitored_at: footprint.monitoredAt ?? null,
  };
}
