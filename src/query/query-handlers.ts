import { create, type JsonObject } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';
import type { Kysely } from 'kysely';
import {
  GetFootprintResponseSchema,
  GetStatsResponseSchema,
  GetTrendsResponseSchema,
  GetUsageSummaryResponseSchema,
  ListEventsResponseSchema,
  QueryService,
} from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError } from '../database/sqlstate.ts';
import { ServiceError } from '../errors.ts';
import { type EventRow, listEvents } from './events.ts';
import { footprint } from './footprint.ts';
import {
  type ComponentStatistics,
  statistics,
  trends,
  type UsageTotals,
  usageSummary,
} from './statistics.ts';

const pageSizeDefault = 100;
const pageSizeMax = 1000;
const hoursDefault = 24;
const hoursMax = 24 * 366 * 10;
const trendDays = 60;

/** All of QueryService, by reads on a pool of their own. Throws `ServiceError`. */
export function queryHandlers(db: Kysely<Database>) {
  return classified({
    async listEvents(request) {
      const hours = request.hours === 0 ? undefined : checkHours(request.hours);
      const since = hours === undefined ? undefined : new Date(Date.now() - hours * 3_600_000);
      const { events, nextPageToken } = await listEvents(
        db,
        {
          component: request.component,
          eventType: request.eventType,
          status: request.status,
          start: latest(since, date('start_time', request.startTime)),
          end: date('end_time', request.endTime),
        },
        checkRange('page_size', request.pageSize || pageSizeDefault, pageSizeMax),
        request.pageToken,
      );
      return create(ListEventsResponseSchema, { events: events.map(eventMessage), nextPageToken });
    },

    async getStats({ component, hours: given, eventType }) {
      const hours = checkHours(given || hoursDefault);
      const type = eventType || 'THOUGHT_LATENCY';
      const { overall, components } = await statistics(db, { eventType: type, hours, component });
      return create(GetStatsResponseSchema, {
        ...componentMessage(overall),
        ...(component === '' ? {} : { component }),
        timeWindowHours: hours,
        components: components.map(componentMessage),
      });
    },

    async getUsageSummary({ hours: given, model, layer }) {
      const hours = checkHours(given || hoursDefault);
      const summary = await usageSummary(db, { hours, model, layer });
      return create(GetUsageSummaryResponseSchema, {
        ...usageMessage(summary),
        l2Tokens: BigInt(summary.l2_tokens),
        timeWindowHours: hours,
        breakdown: summary.breakdown.map((row) => ({
          ...usageMessage(row),
          ...present('model', row.model),
          ...present('layer', row.layer),
        })),
      });
    },

    async getTrends({ days: given, component }) {
      const days = checkRange('days', given || trendDays, 366);
      const { overall, models } = await trends(db, days, component);
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
      });
    },
  } satisfies Partial<ServiceImpl<typeof QueryService>>);
}

/** The same handlers, whose failures in the database say whether a retry is worth while. */
function classified<H extends Record<string, (request: never) => Promise<unknown>>>(
  handlers: H,
): H {
  const wrapped = Object.entries(handlers).map(([name, handle]) => [
    name,
    async (request: never) => {
      refuseNul(request);
      return await handle(request).catch((error) => {
        throw classifyDatabaseError(error);
      });
    },
  ]);
  return Object.fromEntries(wrapped) as H;
}

/** PostgreSQL's text can't hold it: nothing that is stored could be meant. */
function refuseNul(request: object): void {
  for (const [field, value] of Object.entries(request)) {
    if (typeof value !== 'string' || !value.includes('\0')) continue;
    throw new ServiceError('invalid', `${field} contains NUL`, { field });
  }
}

export type QueryHandlers = ReturnType<typeof queryHandlers>;

export function queryRoutes(router: ConnectRouter, handlers: QueryHandlers): void {
  router.service(QueryService, handlers);
}

function eventMessage(row: EventRow) {
  const us = BigInt(row.timestamp_us);
  const seconds = us / 1_000_000n - (us % 1_000_000n < 0n ? 1n : 0n);
  return create(EventSchema, {
    id: row.id,
    eventType: row.event_type,
    component: row.component ?? '',
    ...present('value', row.value),
    ...present('metadata', jsonObject(row.metadata)),
    status: row.status ?? '',
    timestamp: { seconds, nanos: Number(us - seconds * 1_000_000n) * 1000 },
  });
}

/** An older service may have written a list or a bare value where an object belongs. */
function jsonObject(metadata: unknown): JsonObject | null {
  if (metadata === null || metadata === undefined) return null;
  const isObject = typeof metadata === 'object' && !Array.isArray(metadata);
  return (isObject ? metadata : { value: metadata }) as JsonObject;
}

function componentMessage(row: ComponentStatistics) {
  return {
    ...present('component', row.component),
    measurementCount: BigInt(row.measurement_count),
    ...present('avgEfficiencyScore', row.avg_efficiency_score),
    ...present('bestEfficiency', row.best_efficiency),
    ...present('worstEfficiency', row.worst_efficiency),
    totalTokens: BigInt(row.total_tokens),
  };
}

function usageMessage(row: UsageTotals) {
  return {
    requests: BigInt(row.requests),
    inputTokens: BigInt(row.input_tokens),
    outputTokens: BigInt(row.output_tokens),
    totalTokens: BigInt(row.total_tokens),
    ...present('avgDurationMs', row.avg_duration_ms),
    costUsd: row.cost_usd,
  };
}

function checkHours(hours: number): number {
  return checkRange('hours', hours, hoursMax, 0);
}

function checkRange(field: string, value: number, max: number, min = 1): number {
  if (value >= min && value <= max) return value;
  throw new ServiceError('invalid', `${field} is ${value}; it must be from ${min} to ${max}`, {
    field,
  });
}

function date(field: string, timestamp: Timestamp | undefined): Date | undefined {
  if (!timestamp) return undefined;
  const value = timestampDate(timestamp);
  if (!Number.isNaN(value.getTime())) return value;
  throw new ServiceError('invalid', `${field} is out of range`, { field });
}

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (!a || !b) return a ?? b;
  return a > b ? a : b;
}

/** A field, unless there is nothing to set it to. */
function present<Name extends string, Value>(name: Name, value: Value | null) {
  return (value === null ? {} : { [name]: value }) as { [Key in Name]?: Value };
}

function time<Name extends string>(name: Name, value: Date | null) {
  return present(name, value && timestampFromDate(value));
}
