import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { AnswerSource } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import {
  GetServiceRequestSchema,
  GetServiceResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import {
  ListDimensionsRequestSchema,
  ListDimensionsResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/dimensions_pb.js';
import * as query from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  GetTimeSeriesRequestSchema,
  GetTimeSeriesResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { keyHeaders } from '../../serve/credentials.ts';
import { send } from '../../serve/plain-answers.ts';
import type { Route } from '../../serve/route.ts';
import type { Asker } from '../ask/snapshot.ts';
import { cacheControl } from '../cache-control.ts';
import type { QueryHandlers } from '../query-handlers.ts';
import { asker } from './asker.ts';
import { csv, mediaTypes, ndjson, readFormat, type Table } from './formats.ts';
import { getStats, listEvents, listUsage } from './lists.ts';
import { onlyOne, readParameters } from './parameters.ts';
import { restJson } from './rest-json.ts';
import { sourceHeaders } from './source-headers.ts';
import {
  dimensionsTable,
  footprintTable,
  seriesTable,
  serviceTable,
  trendsTable,
  usageTable,
} from './tables.ts';

/** What a request is told: as JSON, or as rows where it is a list. */
export interface Reply {
  readonly body: unknown;
  /** Undefined where it is no list. */
  readonly table?: () => Table;
  /** Of the page after this one; empty on the last, undefined where there are no pages. */
  readonly nextPageToken?: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Answer = (parameters: URLSearchParams, asker: Asker) => Promise<Reply>;

/**
 * The names over HTTP for queries: GET with parameters named as the fields of the request, the
 * answer as `restJson` has it. Records come as a bare array, the next page's address in `Link`.
 */
export function restQueries(handlers: QueryHandlers): Route[] {
  const get =
    <In extends DescMessage, Out extends DescMessage>(
      [input, output]: readonly [In, Out],
      name: string,
      handle: (request: MessageShape<In>, asker: Asker) => Promise<MessageShape<Out>>,
      tableOf?: (body: unknown, groupBy: readonly string[]) => Table,
    ): Answer =>
    async (parameters, who) => {
      const request = readParameters(input, parameters);
      const answer = await handle(request, who);
      const body = restJson(output, answer);
      const { groupBy = [] } = request as { groupBy?: string[] };
      return {
        body,
        ...(tableOf && { table: () => tableOf(body, groupBy) }),
        headers: {
          'cache-control': cacheControl(name, request as object),
          ...sourceHeaders((answer as { source?: AnswerSource }).source),
        },
      };
    };
  const answers: Readonly<Record<string, Answer>> = {
    events: listEvents(handlers),
    'usage/records': listUsage(handlers),
    stats: getStats(handlers),
    timeseries: get(
      [GetTimeSeriesRequestSchema, GetTimeSeriesResponseSchema],
      'getTimeSeries',
      handlers.getTimeSeries,
      seriesTable,
    ),
    'usage/summary': get(
      [query.GetUsageSummaryRequestSchema, query.GetUsageSummaryResponseSchema],
      'getUsageSummary',
      handlers.getUsageSummary,
      usageTable,
    ),
    'usage/explain': get(
      [query.ExplainUsageRequestSchema, query.ExplainUsageResponseSchema],
      'explainUsage',
      handlers.explainUsage,
    ),
    dimensions: get(
      [ListDimensionsRequestSchema, ListDimensionsResponseSchema],
      'listDimensions',
      handlers.listDimensions,
      dimensionsTable,
    ),
    service: get(
      [GetServiceRequestSchema, GetServiceResponseSchema],
      'getService',
      handlers.getService,
      serviceTable,
    ),
    trends: get(
      [query.GetTrendsRequestSchema, query.GetTrendsResponseSchema],
      'getTrends',
      handlers.getTrends,
      trendsTable,
    ),
    footprint: get(
      [query.GetFootprintRequestSchema, query.GetFootprintResponseSchema],
      'getFootprint',
      handlers.getFootprint,
      footprintTable,
    ),
  };
  return Object.entries(answers).map(([name, answer]) => routeOf(`/v1/telemetry/${name}`, answer));
}

const routeOf = (path: string, answer: Answer): Route => ({
  path,
  methods: ['GET'],
  kind: 'unary',
  scope: 'query',
  async serve(call, { url = '', headers: asked }, response) {
    const at = url.indexOf('?');
    const parameters = new URLSearchParams(at < 0 ? '' : url.slice(at));
    const format = readFormat(onlyOne(parameters, 'format'), asked.accept);
    const own = new URLSearchParams(parameters);
    own.delete('format');
    const { body, table, nextPageToken, headers } = await answer(own, asker(call, response));
    // What is no list has one form.
    const form = table ? format : 'json';
    send(
      response,
      200,
      {
        'content-type': mediaTypes[form],
        vary: `accept, ${keyHeaders}`,
        ...headers,
        ...(nextPageToken && { link: nextPage(parameters, nextPageToken) }),
      },
      formed(form, body, table),
    );
  },
});

/** The address of the next page, in the same form. */
function nextPage(parameters: URLSearchParams, token: string): string {
  const next = new URLSearchParams(parameters);
  next.delete('pageToken');
  next.set('page_token', token);
  return `<?${next}>; rel="next"`;
}

function formed(format: keyof typeof mediaTypes, body: unknown, table: Reply['table']): string {
  if (format === 'json' || !table) return JSON.stringify(body);
  return format === 'csv' ? csv(table()) : ndjson(table());
}
