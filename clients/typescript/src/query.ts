import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { GetServiceResponse } from '../gen/gravitas/telemetry/v1/collectors_pb.js';
import type {
  ListDimensionsRequest,
  ListDimensionsResponse,
} from '../gen/gravitas/telemetry/v1/dimensions_pb.js';
import type {
  ExplainUsageRequest,
  ExplainUsageResponse,
  GetFootprintResponse,
  GetStatsRequest,
  GetStatsResponse,
  GetTrendsRequest,
  GetTrendsResponse,
  GetUsageSummaryRequest,
  GetUsageSummaryResponse,
  ListEventsRequest,
  ListEventsResponse,
  ListUsageRequest,
  ListUsageResponse,
} from '../gen/gravitas/telemetry/v1/query_pb.js';
import { QueryService } from '../gen/gravitas/telemetry/v1/query_pb.js';
import type {
  GetTimeSeriesRequest,
  GetTimeSeriesResponse,
} from '../gen/gravitas/telemetry/v1/time_series_pb.js';
import { readFailure } from './answers.ts';
import { connectHeaders } from './http-transport.ts';
import { fields, type Plain, plain, type Question } from './plain.ts';
import { textOf } from './texts.ts';
import { type HttpResponse, type Post, type Stream, tryMsMax } from './transport.ts';

/** Events, newest first. */
export type EventPage = Plain<ListEventsResponse>;
/** Usage records, newest first. */
export type UsagePage = Plain<ListUsageResponse>;
/** What values of events add up to, by component or by what was asked for. */
export type Stats = Plain<GetStatsResponse>;
/** The same over time. */
export type TimeSeriesAnswer = Plain<GetTimeSeriesResponse>;
/** Requests, tokens and costs, in total and by model and layer, or by what was asked for. */
export type UsageSummary = Plain<GetUsageSummaryResponse>;
/** How a usage record was counted and priced. */
export type UsageExplanation = Plain<ExplainUsageResponse>;
/** `THOUGHT_LATENCY` by model over the retention window. */
export type Trends = Plain<GetTrendsResponse>;
/** Sizes and row counts of the tables, and what else the store takes. */
export type Footprint = Plain<GetFootprintResponse>;
/** Which components, event types, models and so on there are. */
export type Dimensions = Plain<ListDimensionsResponse>;
/** How the collectors fare. */
export type Service = Plain<GetServiceResponse>;

/** Which events: what is absent doesn't narrow. */
export type EventFilter = Question<ListEventsRequest>;
/** Which usage records. */
export type UsageFilter = Question<ListUsageRequest>;
export type StatsQuestion = Question<GetStatsRequest>;
export type TimeSeriesQuestion = Question<GetTimeSeriesRequest>;
export type UsageQuestion = Question<GetUsageSummaryRequest>;
export type ExplainQuestion = Question<ExplainUsageRequest>;
export type TrendsQuestion = Question<GetTrendsRequest>;
export type DimensionsQuestion = Question<ListDimensionsRequest>;

/** The service has not answered a query. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  /** As Connect spells it, for example `invalid_argument`; absent where nobody answered. */
  readonly code: string | undefined;

  constructor(message: string, code?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface QueryOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly post: Post;
  readonly stream: Stream;
}

type Name = keyof typeof QueryService.method;

/** Calls a method of QueryService. Throws QueryError, whatever keeps it from an answer. */
export async function query<Answer>(
  { url, headers, post }: QueryOptions,
  name: Name,
  request: object,
): Promise<Answer> {
  const method = QueryService.method[name];
  const response = await failing('the query is wrong', () =>
    toBinary(method.input as DescMessage, create(method.input as DescMessage, fields(request))),
  ).then((body) =>
    failing("the service can't be reached", () =>
      post({
        url: `${url}/${QueryService.typeName}/${method.name}`,
        headers: { ...headers, ...connectHeaders },
        body,
        signal: AbortSignal.timeout(tryMsMax),
      }),
    ),
  );
  checkAnswer(response, connectHeaders['content-type']);
  return failing("the answer can't be read", () =>
    plain(fromBinary(method.output as DescMessage, response.body)),
  ) as Promise<Answer>;
}

/** Throws where it is no success, or one of another type than the service's. */
export function checkAnswer(
  { status, contentType, retryAfter, body }: HttpResponse,
  expected: string,
): void {
  if (status !== 200) {
    const { message, code } = readFailure(status, body, retryAfter);
    throw new QueryError(message, code);
  }
  if (!contentType?.startsWith(expected)) {
    throw new QueryError(`what answers is not the service: its answer is ${contentType}`);
  }
}

async function failing<T>(reason: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new QueryError(`${reason}: ${textOf(cause)}`, undefined, { cause });
  }
}
