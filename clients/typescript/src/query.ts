import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type Timestamp,
  TimestampSchema,
  timestampDate,
  timestampFromDate,
} from '@bufbuild/protobuf/wkt';
import type {
  GetFootprintResponse,
  GetStatsResponse,
  GetTrendsResponse,
  GetUsageSummaryResponse,
  ListEventsResponse,
} from '../gen/gravitas/telemetry/v1/query_pb.js';
import { QueryService } from '../gen/gravitas/telemetry/v1/query_pb.js';
import { readFailure } from './answers.ts';
import { connectHeaders } from './http-transport.ts';
import { textOf } from './texts.ts';
import { type Post, tryMsMax } from './transport.ts';

/** A message of the contract as plain data: times are Dates, counts are numbers. */
type Plain<T> = T extends Timestamp
  ? Date
  : T extends bigint
    ? number
    : T extends readonly (infer Each)[]
      ? Plain<Each>[]
      : T extends Message
        ? { [Key in keyof T as Exclude<Key, '$typeName' | '$unknown'>]: Plain<T[Key]> }
        : T extends Record<string, bigint>
          ? Record<string, number>
          : T;

/** Events, newest first. */
export type EventPage = Plain<ListEventsResponse>;
/** Statistics of one event type by component. */
export type Stats = Plain<GetStatsResponse>;
/** Token usage in total and by model and layer. */
export type UsageSummary = Plain<GetUsageSummaryResponse>;
/** `THOUGHT_LATENCY` by model over the retention window. */
export type Trends = Plain<GetTrendsResponse>;
/** Sizes and row counts of the tables. */
export type Footprint = Plain<GetFootprintResponse>;

/** Which events: what is absent doesn't narrow. */
export interface EventFilter {
  readonly component?: string;
  readonly eventType?: string;
  readonly status?: string;
  /** Only the last so many hours. */
  readonly hours?: number;
  /** Not before. */
  readonly startTime?: Date;
  /** Before. */
  readonly endTime?: Date;
  /** At most so many, 1 to 1000; 100 by default. */
  readonly pageSize?: number;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string;
}

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
}

type Name = keyof typeof QueryService.method;

/** Calls a method of QueryService. Throws QueryError, whatever keeps it from an answer. */
export async function query<Answer>(
  { url, headers, post }: QueryOptions,
  name: Name,
  request: Readonly<Record<string, unknown>>,
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
  if (response.status !== 200) {
    const { message, code } = readFailure(response.status, response.body, response.retryAfter);
    throw new QueryError(message, code);
  }
  if (!response.contentType?.startsWith(connectHeaders['content-type'])) {
    throw new QueryError(`what answers is not the service: its answer is ${response.contentType}`);
  }
  return failing("the answer can't be read", () =>
    plain(fromBinary(method.output as DescMessage, response.body)),
  ) as Promise<Answer>;
}

async function failing<T>(reason: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new QueryError(`${reason}: ${textOf(cause)}`, undefined, { cause });
  }
}

/** What is not given is absent, Dates are Timestamps. */
function fields(request: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = Object.entries(request).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return Object.fromEntries(
    given.map(([key, value]) => [key, value instanceof Date ? timestampFromDate(value) : value]),
  );
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { $typeName, $unknown, ...rest } = value as Partial<Message> & Record<string, unknown>;
  if ($typeName === TimestampSchema.typeName) return timestampDate(value as Timestamp);
  return Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, plain(each)]));
}
