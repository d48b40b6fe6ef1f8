import {
  type LegacyEfficiencies,
  type LegacyEfficiency,
  type LegacyEvent,
  type LegacyFootprint,
  type LegacyStatistics,
  legacyEfficiency,
  legacyEvents,
  legacyFootprint,
  legacyStatistics,
} from './legacy.ts';
import {
  type EventFilter,
  type EventPage,
  type Footprint,
  type QueryOptions,
  query,
  type Stats,
  type Trends,
  type UsageSummary,
} from './query.ts';

/** Gives telemetry back. Every method throws QueryError where the service has no answer. */
export abstract class Reader {
  /** Where and how to ask. */
  protected abstract queryOptions(): QueryOptions;

  /** Events, newest first; `nextPageToken` is empty on the last page. */
  listEvents(filter: EventFilter = {}): Promise<EventPage> {
    return query(this.queryOptions(), 'listEvents', { ...filter });
  }

  /** Statistics of one event type by component; `THOUGHT_LATENCY` over 24 hours by default. */
  getStats(
    filter: { component?: string; hours?: number; eventType?: string } = {},
  ): Promise<Stats> {
    return query(this.queryOptions(), 'getStats', filter);
  }

  /** Token usage in total and by model and layer; over 24 hours by default. */
  getUsageSummary(
    filter: { hours?: number; model?: string; layer?: string } = {},
  ): Promise<UsageSummary> {
    return query(this.queryOptions(), 'getUsageSummary', filter);
  }

  /** `THOUGHT_LATENCY` by model, over the retention window by default. */
  getTrends(filter: { days?: number; component?: string } = {}): Promise<Trends> {
    return query(this.queryOptions(), 'getTrends', filter);
  }

  /** Sizes and row counts of the tables. */
  getFootprint(): Promise<Footprint> {
    return query(this.queryOptions(), 'getFootprint', {});
  }

  /** The newest events, in the shape of the first telemetry module. */
  async getRecentEvents(limit = 10, component?: string): Promise<LegacyEvent[]> {
    return legacyEvents(await this.listEvents({ pageSize: limit, component: component ?? '' }));
  }

  /**
   * Milliseconds per token of one component, or of each of them, in the shape of the first
   * telemetry module; an empty object where nothing was measured.
   */
  async getAggregatedEfficiency(
    component?: string,
    hours = 24,
  ): Promise<LegacyEfficiency | LegacyEfficiencies | Record<string, never>> {
    const stats = await this.getStats({ component: component ?? '', hours });
    if (stats.measurementCount === 0) return {};
    if (component) return legacyEfficiency(stats);
    return { components: stats.components.map(legacyEfficiency), time_window_hours: hours };
  }

  /** Trends of 60 days, in the shape of the first telemetry module. */
  async get60DayStatistics(): Promise<LegacyStatistics> {
    return legacyStatistics(await this.getTrends({ days: 60 }));
  }

  /** Table sizes and row counts, in the shape of the first telemetry module. */
  async getTelemetryFootprint(): Promise<LegacyFootprint> {
    return legacyFootprint(await this.getFootprint());
  }
}
