import type { Message } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import type {
  GetServiceRequest,
  GetServiceResponse,
} from '../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import {
  type ExplainUsageRequest,
  type GetFootprintRequest,
  type GetStatsRequest,
  type ListEventsRequest,
  type ListUsageRequest,
  QueryService,
  UsageRecordSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { recentSizes } from '../database/cluster/shard-facts.ts';
import type { Pricer } from '../prices/pricer.ts';
import type { KeptRows } from '../retention/drop-times.ts';
import { keyNameOf } from '../serve/caller.ts';
import { keyHeaders } from '../serve/credentials.ts';
import { callOf } from '../serve/current-call.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import { getFootprint } from './answers/get-footprint.ts';
import { getStats } from './answers/get-stats.ts';
import { getTimeSeries } from './answers/get-time-series.ts';
import { getTrends } from './answers/get-trends.ts';
import { getUsageSummary } from './answers/get-usage-summary.ts';
import { listDimensions } from './answers/list-dimensions.ts';
import { readInstant, usOfMs } from './ask/instants.ts';
import { SharedQuestions } from './ask/shared-questions.ts';
import type { Asker, Snapshots } from './ask/snapshot.ts';
import { cacheControl, keptS } from './cache-control.ts';
import { checkTexts } from './checks.ts';
import { explainUsage } from './explain.ts';
import { listEvents } from './lists/list-events.ts';
import { type ListedRow, readOrder, tokenAfter } from './lists/list-records.ts';
import { listUsage } from './lists/list-usage.ts';
import { countWithin } from './lists/within-message.ts';
import { QueryDecoder } from './query-decoder.ts';
import type { TailHandler } from './tail/tail-handler.ts';

/** All of QueryService, by reads on a pool of their own. Throws `ServiceError`. */
export function queryHandlers(
  snapshots: Snapshots,
  pricer: Pricer,
  kept: KeptRows,
  getService: () => Promise<GetServiceResponse>,
) {
  const shared = new SharedQuestions();
  const asking =
    <Request extends Message, Answer>(
      answer: (snapshots: Snapshots, request: Request, asker: Asker) => Promise<Answer>,
    ) =>
    async (request: Request, asker: Asker): Promise<Answer> => {
      checkTexts(request);
      return await shared.ask(nameOf(request), asker, (who) => answer(snapshots, request, who));
    };
  // An answer may be kept for as long by whoever asked.
  const sizesOfCluster = recentSizes(keptS.getFootprint * 1000);
  const eventPage = asking(listEvents);
  const usagePage = asking(listUsage);
  const stats = asking(getStats);
  return {
    /** The answer of `listEvents`, and the rows of it, whose metadata has all its digits. */
    eventPage,
    /** The same of `listUsage`. */
    usagePage,
    /** The answer of `getStats`, and its sum of tokens: null where there is nothing to sum up. */
    stats,
    listEvents: async (request: ListEventsRequest, asker: Asker) => {
      const { response, rows } = await eventPage(request, asker);
      const count = countWithin(EventSchema, response.events, rows);
      response.observedAt.length = response.events.length = count;
      response.nextPageToken = tokenOf(rows, count, request.order) ?? response.nextPageToken;
      return response;
    },
    listUsage: async (request: ListUsageRequest, asker: Asker) => {
      const { response, rows } = await usagePage(request, asker);
      const count = countWithin(UsageRecordSchema, response.records, rows);
      response.records.length = count;
      response.nextPageToken = tokenOf(rows, count, request.order) ?? response.nextPageToken;
      return response;
    },
    getStats: async (request: GetStatsRequest, asker: Asker) =>
      (await stats(request, asker)).response,
    getTimeSeries: asking(getTimeSeries),
    getUsageSummary: asking((_, request: Parameters<typeof getUsageSummary>[2], asker) =>
      getUsageSummary(snapshots, pricer, request, asker),
    ),
    explainUsage: asking((_, { id, time }: ExplainUsageRequest, asker) => {
      const us = readInstant('time', time);
      const aroundMs = us === undefined ? undefined : us / usOfMs;
      return snapshots.read(asker, ({ trx }) => explainUsage(trx, pricer, id, aroundMs));
    }),
    getTrends: asking(getTrends),
    getService: async (_: GetServiceRequest, { keyName = '' }: Asker) => ({
      ...(await getService()),
      keyName,
    }),
    listDimensions: asking(listDimensions),
    getFootprint: asking((_, request: GetFootprintRequest, asker) =>
      getFootprint(snapshots, pricer, kept, sizesOfCluster, request, asker),
    ),
  };
}

/** Different for all that differ in anything. */
const nameOf = (request: Message): string =>
  JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'bigint' || typeof value === 'number' ? String(value) : value,
  );

/** Of the next page, where only so many rows of a page are told. */
function tokenOf(rows: readonly ListedRow[], count: number, order: string): string | undefined {
  const last = rows[count - 1];
  return last && count < rows.length ? tokenAfter(last, readOrder(order)) : undefined;
}

export type QueryHandlers = ReturnType<typeof queryHandlers>;

/** `jsonValuesMax`: in one message of JSON. */
export function queryService(
  router: ConnectRouter,
  handlers: QueryHandlers,
  tail: TailHandler,
  jsonValuesMax: number,
): void {
  const jsonOptions = {
    ...jsonAnswers,
    textDecoder: new QueryDecoder(jsonValuesMax, QueryService),
  };
  const { eventPage: _, usagePage: __, stats: ___, ...methods } = handlers;
  const cached = Object.entries(methods).map(([name, answer]) => [
    name,
    async (request: never, context: HandlerContext) => {
      context.responseHeader.set('cache-control', cacheControl(name, request));
      context.responseHeader.set('vary', keyHeaders);
      const { signal } = context;
      return await answer(request, { signal, keyName: keyNameOf(callOf(context).caller) });
    },
  ]);
  router.service(QueryService, { ...Object.fromEntries(cached), tail }, { jsonOptions });
}
