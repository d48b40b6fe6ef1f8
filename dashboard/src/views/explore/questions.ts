import type {
  GetStatsResponse,
  ListEventsResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { GetTimeSeriesResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { rangeKey, rangeOf, refreshMsOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { type EventFilters, filterOf } from '../../state/filters.ts';
import { rangeAt } from '../../state/range.ts';

/** What Explore asks about the events that are filtered; nothing before a type is known. */
function useOfType<T>(
  name: string,
  filters: EventFilters,
  ask: (about: ReturnType<typeof aboutNow>, options: { signal: AbortSignal }) => Promise<T>,
): Answer<T> {
  return useAnswer(
    filters.type ? `${name} ${rangeKey()} ${JSON.stringify(filters)}` : undefined,
    (signal) => ask(aboutNow(filters), { signal }),
    refreshMsOf(),
  );
}

const aboutNow = (filters: EventFilters) => ({
  range: rangeOf(rangeAt(Date.now())),
  filter: filterOf(filters),
});

const histogramBuckets = 40;

export const useOverTime = (filters: EventFilters): Answer<GetTimeSeriesResponse> =>
  useOfType('over time', filters, (about, options) => query.getTimeSeries(about, options));

export const useByComponent = (filters: EventFilters): Answer<GetStatsResponse> =>
  useOfType('by component', filters, (about, options) =>
    query.getStats({ ...about, groupBy: ['component'], limit: 50, histogramBuckets }, options),
  );

export const useTrends = (filters: EventFilters): Answer<GetTimeSeriesResponse> =>
  useOfType('trends', filters, (about, options) =>
    query.getTimeSeries({ ...about, groupBy: ['component'], limit: 50 }, options),
  );

export const useByStatus = (filters: EventFilters): Answer<GetStatsResponse> =>
  useOfType('by status', filters, (about, options) =>
    query.getStats({ ...about, groupBy: ['status'] }, options),
  );

/** Why events failed, where their metadata say so. */
export const useFailures = (filters: EventFilters): Answer<GetStatsResponse> =>
  useOfType('failures', filters, (about, options) =>
    query.getStats(
      { ...about, groupBy: ['metadata.error', 'component', 'status'], orderBy: 'not_ok', limit: 5 },
      options,
    ),
  );

const pageSize = 25;

/** The newest events, so many pages of them. */
export const useLatest = (filters: EventFilters, pages: number): Answer<ListEventsResponse> =>
  useOfType(`latest ${pages}`, filters, (about, options) =>
    query.listEvents({ ...about, pageSize: Math.min(1000, pages * pageSize) }, options),
  );

/** One event, whenever it was. */
export const useEvent = (id: string): Answer<ListEventsResponse> =>
  useAnswer(id ? `event ${id}` : undefined, (signal) => query.listEvents({ id }, { signal }));
