import { create } from '@bufbuild/protobuf';
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';
import type { Kysely } from 'kysely';
import {
  GetFootprintResponseSchema,
  type GetStatsRequest,
  GetStatsResponseSchema,
  GetTrendsResponseSchema,
  GetUsageSummaryResponseSchema,
  type ListEventsRequest,
  ListEventsResponseSchema,
  QueryService,
} from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError } from '../postgres/sqlstate.ts';
import type { Pricer } from '../prices/pricer.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import { hourMs } from '../units.ts';
import { checkHours, checkPageSize, checkRange, checkTexts, date, latest } from './checks.ts';
import { type EventPage, listEvents } from './events.ts';
import { explainUsage } from './explain.ts';
import { footprint } from './footprint.ts';
import {
  componentMessage,
  editions,
  eventMessage,
  present,
  time,
  usageMessage,
} from './messages.ts';
import { QueryDecoder } from './query-decoder.ts';
import { retentionFootprint } from './retention-footprint.ts';
import { statistics, trends } from './rolled-statistics.ts';
import { usageSummary } from './rolled-usage.ts';

const pageSizeDefault = 100;
const hoursDefault = 24;
const trendDays = 60;

/** All of QueryService, by reads on a pool of their own. Throws `ServiceError`. */
export function queryHandlers(db: Kysely<Database>, pricer: Pricer) {
  const eventPage = async (request: ListEventsRequest): Promise<EventPage> => {
    const hours = request.hours === 0 ? undefined : checkHours(request.hours);
    const since = hours === undefined ? undefined : new Date(Date.now() - hours * hourMs);
    return await listEvents(
      db,
      {
        component: request.component,
        eventType: request.eventType,
        status: request.status,
        start: latest(since, date('start_time', request.startTime)),
        end: date('end_time', request.endTime),
      },
      checkPageSize('page_size', request.pageSize) || pageSizeDefault,
      request.pageToken,
    );
  };
  const stats = async ({ component, hours: given, eventType }: GetStatsRequest) => {
    const hours = checkHours(given || hoursDefault);
    const type = eventType || 'THOUGHT_LATENCY';
    const { overall, components } = await statistics(db, { eventType: type, hours, component });
    const response = create(GetStatsResponseSchema, {
      ...componentMessage(overall),
      ...(component === '' ? {} : { component }),
      timeWindowHours: hours,
      components: components.map(componentMessage),
    });
    return { response, totalTokens: overall.total_tokens };
  };
  return classified({
    /** The rows of `listEvents`, whose metadata has all its digits. */
    eventPage,
    /** The answer of `getStats`, and its sum of tokens: null where there is nothing to sum up. */
    stats,

    async listEvents(request) {
      const { events, nextPageToken } = await eventPage(request);
      return create(ListEventsResponseSchema, { events: events.map(eventMessage), nextPageToken });
    },

    async getStats(request) {
      return (await stats(request)).response;
    },

    async getUsageSummary({ hours: given, model, layer }) {
      const hours = checkHours(given || hoursDefault);
      const summary = await usageSummary(db, { hours, model, layer });
      return create(GetUsageSummaryResponseSchema, {
        ...usageMessage(summary),
        l2Tokens: BigInt(summary.l2_tokens),
        timeWindowHours: hours,
        ...editions(pricer),
        breakdown: summary.breakdown.map((row) => ({
          ...usageMessage(row),
          ...present('model', row.model),
          ...present('layer', row.layer),
        })),
      });
    },

    async explainUsage({ id }) {
      return await explainUsage(db, pricer, id);
    },

    async getTrends({ days: given, component, overallOfAllEvents }) {
      const days = checkRange('days', given || trendDays, 366);
      const { overall, models } = await trends(db, { days, component, overallOfAllEvents });
      return create(GetTrendsResponseSchema, {
        overall: {
          totalMeasurements: BigInt(overall.total_measurements),
          uniqueModels: BigInt(overall.unique_models),
          ...time('oldestRecord', overall.oldest_record),
          ...time('newestRecord', overall.newest_record),
        },
        modelTrends: models.map((model) => ({
          ...present('component', model.component),
          ...present('avgEfficiency', model.avg_efficiency),
          measurementCount: BigInt(model.measurement_count),
          totalTokensProcessed: BigInt(model.total_tokens_processed),
          days: model.days.map((day) => ({
            ...time('day', new Date(day.day)),
            ...present('avgEfficiency', day.avg_efficiency),
            measurementCount: BigInt(day.measurement_count),
          })),
        })),
        retentionWindowDays: trendDays,
      });
    },

    async getFootprint() {
      const { tableSizes, rowCounts, oldestRecord } = await footprint(db);
      return create(GetFootprintResponseSchema, {
        tableSizes: tableSizes.map((size) => ({
          tableName: size.table_name,
          totalBytes: BigInt(size.total_bytes),
          indexBytes: BigInt(size.index_bytes),
          partitions: size.partitions,
        })),
        rowCounts: Object.fromEntries(
          Object.entries(rowCounts).map(([table, rows]) => [table, BigInt(rows)]),
        ),
        ...time('oldestTelemetryRecord', oldestRecord),
        ...time('monitoredAt', new Date()),
        retention: await retentionFootprint(db),
      });
    },
  } satisfies Partial<ServiceImpl<typeof QueryService>> & { eventPage: unknown; stats: unknown });
}

/** The same handlers, whose failures in the database say whether a retry is worth while. */
function classified<H extends Record<string, (request: never) => Promise<unknown>>>(
  handlers: H,
): H {
  const wrapped = Object.entries(handlers).map(([name, handle]) => [
    name,
    async (request: never) => {
      checkTexts(request);
      return await handle(request).catch((error) => {
        throw classifyDatabaseError(error);
      });
    },
  ]);
  return Object.fromEntries(wrapped) as H;
}

export type QueryHandlers = ReturnType<typeof queryHandlers>;

/** `jsonValuesMax`: in one message of JSON. */
export function queryService(
  router: ConnectRouter,
  handlers: QueryHandlers,
  jsonValuesMax: number,
): void {
  const jsonOptions = {
    ...jsonAnswers,
    textDecoder: new QueryDecoder(jsonValuesMax, QueryService),
  };
  router.service(QueryService, handlers, { jsonOptions });
}
