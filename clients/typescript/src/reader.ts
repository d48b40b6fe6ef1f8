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
  type Dimensions,
  type DimensionsQuestion,
  type EventFilter,
  type EventPage,
  type ExplainQuestion,
  type Footprint,
  type QueryOptions,
  query,
  type Service,
  type Stats,
  type StatsQuestion,
  type TimeSeriesAnswer,
  type TimeSeriesQuestion,
  type Trends,
  type TrendsQuestion,
  type UsageExplanation,
  type UsageFilter,
  type UsagePage,
  type UsageQuestion,
  type UsageSummary,
} from './query.ts';
import { type TailBatch, type TailFilter, tail } from './tail.ts';

/** What the methods with legacy shapes give where there is nothing, or nobody to ask. */
type Nothing = Record<string, never>;

const pageSizeMax = 1000;

/** A read sees what its own process has logged before, unless the service is too slow for that. */
const flushS = 1;

/**
 * Gives telemetry back. Where the service has no answer these throw QueryError; those with the
 * shapes of the first telemetry module warn, and give what is empty.
 */
export abstract class Reader {
  /** Where and how to ask. */
  protected abstract queryOptions(): QueryOptions;
  abstract flush(timeoutS?: number): Promise<unknown>;
  /** Says that a query had no answer. */
  protected abstract unread(error: unknown): void;

  /** Events, newest first; `nextPageToken` is empty on the last page. */
  listEvents(filter: EventFilter = {}): Promise<EventPage> {
    return query(this.queryOptions(), 'listEvents', filter);
  }

  /** Usage records, newest first; `nextPageToken` is empty on the last page. */
  listUsage(filter: UsageFilter = {}): Promise<UsagePage> {
    return query(this.queryOptions(), 'listUsage', filter);
  }

  /**
   * What values of events add up to, by component or by what `groupBy` names; `THOUGHT_LATENCY`
   * over 24 hours by default.
   */
  getStats(question: StatsQuestion = {}): Promise<Stats> {
    return query(this.queryOptions(), 'getStats', question);
  }

  /** The same over time, in parts of `width`, such as `15m` or `1d`; over 24 hours by default. */
  getTimeSeries(question: TimeSeriesQuestion = {}): Promise<TimeSeriesAnswer> {
    return query(this.queryOptions(), 'getTimeSeries', question);
  }

  /**
   * Requests, tokens and costs, by model and layer or by what `groupBy` names, by period with
   * `width`; over 24 hours by default.
   */
  getUsageSummary(question: UsageQuestion = {}): Promise<UsageSummary> {
    return query(this.queryOptions(), 'getUsageSummary', question);
  }

  /** How a usage record was counted and priced. `time`: of the call, about, which finds it sooner. */
  explainUsage(question: ExplainQuestion): Promise<UsageExplanation> {
    return query(this.queryOptions(), 'explainUsage', question);
  }

  /**
   * `THOUGHT_LATENCY` by model, over the retention window by default; `overall` of these events,
   * or of all.
   */
  getTrends(question: TrendsQuestion = {}): Promise<Trends> {
    return query(this.queryOptions(), 'getTrends', question);
  }

  /** Sizes and row counts of the tables, and what else the store takes. */
  getFootprint(): Promise<Footprint> {
    return query(this.queryOptions(), 'getFootprint', {});
  }

  /** Which components, event types, models and so on there are; of the last 7 days by default. */
  listDimensions(question: DimensionsQuestion = {}): Promise<Dimensions> {
    return query(this.queryOptions(), 'listDimensions', question);
  }

  /** How the collectors fare. */
  getService(): Promise<Service> {
    return query(this.queryOptions(), 'getService', {});
  }

  /**
   * Records from now on, as they are committed:
   * `for await (const { records } of telemetry.tail({ recent: 10 })) …`. It goes on until the loop
   * is left, or `signal` is aborted.
   */
  async *tail(filter: TailFilter = {}): AsyncGenerator<TailBatch, void, undefined> {
    yield* tail(this.queryOptions(), filter);
  }

  /** The newest events, in the shape of the first telemetry module. */
  getRecentEvents(limit = 10, component = ''): Promise<LegacyEvent[]> {
    return this.#orElse([], async () => {
      const events: LegacyEvent[] = [];
      let pageToken = '';
      do {
        const pageSize = Math.min(limit - events.length, pageSizeMax);
        const page = await this.listEvents({ component, pageSize, pageToken });
        events.push(...legacyEvents(page));
        pageToken = page.nextPageToken;
      } while (pageToken !== '' && events.length < limit);
      return events;
    });
  }

  /**
   * Milliseconds per token of one component, or of each of them, in the shape of the first
   * telemetry module; an empty object where nothing was measured.
   */
  getAggregatedEfficiency(
    component = '',
    hours = 24,
  ): Promise<LegacyEfficiency | LegacyEfficiencies | Nothing> {
    return this.#orElse({}, async () => {
      const stats = await this.getStats({ component, hours });
      if (stats.measurementCount === 0) return {};
      if (component !== '') return legacyEfficiency(stats);
      return { components: stats.components.map(legacyEfficiency), time_window_hours: hours };
    });
  }

  /** All events of 60 days, and trends by model, best first, in the shape of the first module. */
  get60DayStatistics(): Promise<LegacyStatistics | Nothing> {
    const filter = { days: 60, overallOfAllEvents: true };
    return this.#orElse({}, async () => legacyStatistics(await this.getTrends(filter)));
  }

  /** Table sizes, largest first, and row counts, in the shape of the first telemetry module. */
  getTelemetryFootprint(): Promise<LegacyFootprint | Nothing> {
    return this.#orElse({}, async () => legacyFootprint(await this.getFootprint()));
  }

  /** Callers of the first telemetry module don't expect it to throw. */
  async #orElse<T, None>(nothing: None, ask: () => Promise<T>): Promise<T | None> {
    try {
      await this.flush(flushS);
      return await ask();
    } catch (error) {
      this.unread(error);
      return nothing;
    }
  }
}
