import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import {
  ExplainUsageRequestSchema,
  ExplainUsageResponseSchema,
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
import { sendJson } from '../serve/plain-answers.ts';
import type { Route } from '../serve/route.ts';
import { checkPageSize, clamped, readTime } from './checks.ts';
import { eventMessage } from './messages.ts';
import { exactMetadata } from './metadata.ts';
import type { QueryHandlers } from './query-handlers.ts';
import { restJson } from './rest-json.ts';

/**
 * The RFC's names for queries: GET with parameters named as the fields of the request, the answer
 * as `restJson` has it. The events come as a bare array, the next page's address in `Link`.
 */
export function restQueries(handlers: QueryHandlers): Route[] {
  const get = <In extends DescMessage, Out extends DescMessage>(
    path: string,
    input: In,
    output: Out,
    handle: (request: MessageShape<In>) => Promise<MessageShape<Out>>,
  ): Route =>
    answering(path, async (parameters) => ({
      body: restJson(output, await handle(readParameters(input, parameters))),
    }));
  return [
    answering('/v1/telemetry/events', (parameters) => listEvents(handlers, parameters)),
    answering('/v1/telemetry/stats', (parameters) => getStats(handlers, parameters)),
    get(
      '/v1/telemetry/usage/summary',
      GetUsageSummaryRequestSchema,
      GetUsageSummaryResponseSchema,
      handlers.getUsageSummary,
    ),
    get(
      '/v1/telemetry/usage/explain',
      ExplainUsageRequestSchema,
      ExplainUsageResponseSchema,
      handlers.explainUsage,
    ),
    get(
      '/v1/telemetry/trends',
      GetTrendsRequestSchema,
      GetTrendsResponseSchema,
      handlers.getTrends,
    ),
    get(
      '/v1/telemetry/footprint',
      GetFootprintRequestSchema,
      GetFootprintResponseSchema,
      handlers.getFootprint,
    ),
  ];
}

interface Reply {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const answering = (
  path: string,
  answer: (parameters: URLSearchParams) => Promise<Reply>,
): Route => ({
  path,
  methods: ['GET'],
  kind: 'unary',
  scope: 'query',
  async serve(_call, { url = '' }, response) {
    const at = url.indexOf('?');
    const { body, headers } = await answer(new URLSearchParams(at < 0 ? '' : url.slice(at)));
    sendJson(response, 200, body, headers);
  },
});

async function listEvents(handlers: QueryHandlers, parameters: URLSearchParams): Promise<Reply> {
  const request = legacyRequest(ListEventsRequestSchema, parameters);
  const limit = parameters.get('limit');
  if (limit) request.pageSize = checkPageSize('limit', clamped.limit(readWhole('limit', limit)));
  const { events, nextPageToken } = await handlers.eventPage(request);
  const body = events.map(({ metadata, ...row }) => ({
    ...(restJson(EventSchema, eventMessage({ ...row, metadata: null })) as object),
    component: row.component || null,
    status: row.status || null,
    metadata: exactMetadata(metadata),
  }));
  if (nextPageToken === '') return { body };
  parameters.set('page_token', nextPageToken);
  return { body, headers: { link: `<?${parameters}>; rel="next"` } };
}

async function getStats(handlers: QueryHandlers, parameters: URLSearchParams): Promise<Reply> {
  const request = legacyRequest(GetStatsRequestSchema, parameters);
  const { response, totalTokens } = await handlers.stats(request);
  const body = restJson(GetStatsResponseSchema, response) as object;
  return { body: { ...body, total_tokens: totalTokens } };
}

/**
 * A request of the deployed clients, who give up after a few refusals: what is not known is passed
 * over, and more hours than there are mean all of them, as with the service that they knew.
 */
function legacyRequest<Desc extends typeof ListEventsRequestSchema | typeof GetStatsRequestSchema>(
  schema: Desc,
  parameters: URLSearchParams,
): MessageShape<Desc> {
  const names = new Set(schema.fields.flatMap(({ name, jsonName }) => [name, jsonName]));
  const known = new URLSearchParams([...parameters].filter(([name]) => names.has(name)));
  const request: MessageShape<Desc> = readParameters(schema, known);
  request.hours = clamped.hours(request.hours);
  return request;
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
  if (scalar === ScalarType.BOOL) return readBoolean(name, text);
  return scalar === ScalarType.INT32 ? readWhole(name, text) : readNumber(name, text);
}

function readBoolean(field: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new ServiceError('invalid', `${field} is ${JSON.stringify(text)}, not true or false`, {
    field,
  });
}

function readWhole(field: string, text: string): number {
  const value = readNumber(field, text);
  if (Number.isInteger(value)) return value;
  throw new ServiceError('invalid', `${field} is ${value}, not a whole number`, { field });
}

/** No blanks, and nothing but decimal: `Number` reads `0x10` too. */
const numberPattern = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function readNumber(field: string, text: string): number {
  const value = Number(text);
  if (numberPattern.test(text) && Number.isFinite(value)) return value;
  throw new ServiceError('invalid', `${field} is ${JSON.stringify(text)}, not a number`, { field });
}
