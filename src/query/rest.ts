import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import {
  GetFootprintRequestSchema,
  GetFootprintResponseSchema,
  GetStatsRequestSchema,
  GetStatsResponseSchema,
  GetTrendsRequestSchema,
  GetTrendsResponseSchema,
  GetUsageSummaryRequestSchema,
  GetUsageSummaryResponseSchema,
  ListEventsRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { ServiceError } from '../errors.ts';
import { parseRfc3339 } from '../records/rfc3339.ts';
import { checkPageSize } from './checks.ts';
import { eventMessage } from './messages.ts';
import { exactMetadata } from './metadata.ts';
import type { QueryHandlers } from './query-handlers.ts';
import { restJson } from './rest-json.ts';

type Send = (response: ServerResponse, status: number, body: unknown) => void;
type Endpoint = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The RFC's names for queries: GET with parameters named as the fields of the request, the answer
 * as `restJson` has it. The events come as a bare array, the next page's address in `Link`.
 */
export function restQueries(handlers: QueryHandlers, send: Send): Map<string, Endpoint> {
  const endpoint = <In extends DescMessage, Out extends DescMessage>(
    input: In,
    output: Out,
    handle: (request: MessageShape<In>) => Promise<MessageShape<Out>>,
  ): Endpoint =>
    answering(send, async (parameters) => ({
      body: restJson(output, await handle(readParameters(input, parameters))),
    }));
  return new Map([
    ['GET /v1/telemetry/events', answering(send, (parameters) => listEvents(handlers, parameters))],
    [
      'GET /v1/telemetry/stats',
      endpoint(GetStatsRequestSchema, GetStatsResponseSchema, handlers.getStats),
    ],
    [
      'GET /v1/telemetry/usage/summary',
      endpoint(
        GetUsageSummaryRequestSchema,
        GetUsageSummaryResponseSchema,
        handlers.getUsageSummary,
      ),
    ],
    [
      'GET /v1/telemetry/trends',
      endpoint(GetTrendsRequestSchema, GetTrendsResponseSchema, handlers.getTrends),
    ],
    [
      'GET /v1/telemetry/footprint',
      endpoint(GetFootprintRequestSchema, GetFootprintResponseSchema, handlers.getFootprint),
    ],
  ]);
}

interface Answer {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function answering(send: Send, answer: (parameters: URLSearchParams) => Promise<Answer>): Endpoint {
  return async (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    try {
      const { body, headers } = await answer(searchParams);
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
      send(response, 200, body);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const { kind, message, field } = error;
      const retryable = kind === 'retryable';
      if (retryable) response.setHeader('retry-after', '1');
      const fault = kind === 'invalid' ? 'invalid_argument' : 'failed_precondition';
      const code = retryable ? 'unavailable' : fault;
      send(response, retryable ? 503 : 400, { code, message, field });
    }
  };
}

async function listEvents(handlers: QueryHandlers, parameters: URLSearchParams): Promise<Answer> {
  const named = new URLSearchParams(parameters);
  const limit = named.get('limit');
  named.delete('limit');
  if (limit) named.set('page_size', String(checkPageSize('limit', readWhole('limit', limit))));
  const request = readParameters(ListEventsRequestSchema, named);
  const { events, nextPageToken } = await handlers.eventPage(request);
  const body = events.map(({ metadata, ...row }) => ({
    ...(restJson(EventSchema, eventMessage({ ...row, metadata: null })) as object),
    component: row.component || null,
    status: row.status || null,
    metadata: exactMetadata(metadata),
  }));
  if (nextPageToken === '') return { body };
  parameters.set('page_token', nextPageToken);
  return { body, headers: { link: `</v1/telemetry/events?${parameters}>; rel="next"` } };
}

/** Fills a request from parameters named as its fields; an empty one counts as not given. */
function readParameters<Desc extends DescMessage>(
  schema: Desc,
  parameters: URLSearchParams,
): MessageShape<Desc> {
  const init: Record<string, unknown> = {};
  for (const [name, text] of parameters) {
    const field = schema.fields.find((known) => known.name === name || known.jsonName === name);
    if (!field) {
      throw new ServiceError('invalid', `${JSON.stringify(name)} is not a parameter`, {
        field: name,
      });
    }
    if (text !== '') init[field.localName] = readParameter(field, text);
  }
  return create(schema, init as MessageInitShape<Desc>);
}

function readParameter({ name, fieldKind, scalar }: DescField, text: string): unknown {
  if (fieldKind === 'message') return readTime(name, text);
  if (scalar === ScalarType.STRING) return text;
  return scalar === ScalarType.INT32 ? readWhole(name, text) : readNumber(name, text);
}

function readWhole(field: string, text: string): number {
  const value = readNumber(field, text);
  if (Number.isInteger(value)) return value;
  throw new ServiceError('invalid', `${field} is ${value}, not a whole number`, { field });
}

function readNumber(field: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && text.trim() !== '') return value;
  throw new ServiceError('invalid', `${field} is ${JSON.stringify(text)}, not a number`, { field });
}

function readTime(field: string, text: string) {
  const instant = parseRfc3339(text);
  if (instant) return { seconds: BigInt(instant.seconds), nanos: instant.nanos };
  const shown = JSON.stringify(text);
  const reason = `is ${shown}, not an RFC 3339 time with zone, such as 2026-01-31T10:00:00Z`;
  throw new ServiceError('invalid', `${field} ${reason}`, { field });
}
