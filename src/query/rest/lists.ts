import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import {
  GetStatsRequestSchema,
  GetStatsResponseSchema,
  ListEventsRequestSchema,
  ListUsageRequestSchema,
  type ListUsageResponse,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { timestampOfUs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker } from '../ask/snapshot.ts';
import { hoursMax } from '../ask/time-range.ts';
import { cacheControl } from '../cache-control.ts';
import { exactNumber } from '../exact-numbers.ts';
import { pageSizeMax } from '../lists/list-page.ts';
import { exactMetadata } from '../metadata.ts';
import type { QueryHandlers } from '../query-handlers.ts';
import { isParameter, onlyOne, readParameters, readWhole } from './parameters.ts';
import type { Reply } from './rest.ts';
import { restJson, timeText } from './rest-json.ts';
import { sourceHeaders } from './source-headers.ts';
import { recordsTable, statsTable } from './tables.ts';

export const listEvents =
  ({ eventPage }: QueryHandlers) =>
  async (parameters: URLSearchParams, asker: Asker): Promise<Reply> => {
    const request = olderRequest(ListEventsRequestSchema, parameters);
    request.pageSize = readLimit(parameters) ?? request.pageSize;
    const { response, rows } = await eventPage(request, asker);
    const body = response.events.map((event, index) => {
      const { metadata, component, status } = rows[index] as (typeof rows)[number];
      return {
        ...(restJson(EventSchema, { ...event, metadata: undefined } as typeof event) as object),
        component: component || null,
        status: status || null,
        metadata: exactMetadata(metadata),
      };
    });
    const further = {
      value: rows.map(({ value }) => exactNumber(value)),
      metadata: rows.map(metadataOrNull),
      observed_at: rows.map((row) => timeText(timestampOfUs(row.observed_at_us))),
    };
    return listReply(EventSchema, body, further, response, parameters);
  };

export const listUsage =
  ({ usagePage }: QueryHandlers) =>
  async (parameters: URLSearchParams, asker: Asker): Promise<Reply> => {
    const limit = readLimit(parameters);
    const own = new URLSearchParams([...parameters].filter(([name]) => name !== 'limit'));
    const request = readParameters(ListUsageRequestSchema, own);
    request.pageSize = limit ?? request.pageSize;
    const { response, rows } = await usagePage(request, asker);
    const body = response.records.map(({ usage, ambiguous }, index) => {
      const { metadata, observed_at_us } = rows[index] as (typeof rows)[number];
      return {
        ...noneAsNull(restJson(UsageSchema, { ...usage, metadata: undefined } as never) as object),
        metadata: exactMetadata(metadata),
        ambiguous,
        observed_at: timeText(timestampOfUs(observed_at_us)),
      };
    });
    const further = {
      duration_ms: rows.map(({ duration_ms: ms }) => exactNumber(ms)),
      time_to_first_token_ms: rows.map(({ time_to_first_token_ms: ms }) => exactNumber(ms)),
      metadata: rows.map(metadataOrNull),
      ambiguous: body.map(({ ambiguous }) => ambiguous),
      observed_at: body.map(({ observed_at }) => observed_at),
    };
    return listReply(UsageSchema, body, further, response, parameters);
  };

/** Tables, which are read back by machines, tell what has none from what has an empty object. */
const metadataOrNull = ({ metadata }: { readonly metadata: string | null }): unknown =>
  metadata === null ? null : exactMetadata(metadata);

const noneAsNull = (record: object): object =>
  Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, value === '' ? null : value]),
  );

function listReply(
  schema: DescMessage,
  body: readonly Record<string, unknown>[],
  further: Readonly<Record<string, readonly unknown[]>>,
  { nextPageToken, source }: Pick<ListUsageResponse, 'nextPageToken' | 'source'>,
  parameters: URLSearchParams,
): Reply {
  return {
    body,
    // The events of the deployed clients have no further fields.
    table: () => recordsTable(schema, body, further),
    nextPageToken,
    headers: {
      'cache-control': cacheControl('list', {}),
      ...sourceHeaders(source, parameters.get('limit') ? { page_size: 'limit' } : {}),
    },
  };
}

/** As the deployed clients call the size of a page, where more than the most means the most. */
function readLimit(parameters: URLSearchParams): number | undefined {
  const limit = onlyOne(parameters, 'limit');
  if (!limit) return undefined;
  const size = readWhole('limit', limit);
  // Less than nothing is told by the name that was given; more than the most is noted by the list.
  new Notes().within('limit', size, pageSizeMax);
  return size;
}

export const getStats =
  ({ stats }: QueryHandlers) =>
  async (parameters: URLSearchParams, asker: Asker): Promise<Reply> => {
    const request = olderRequest(GetStatsRequestSchema, parameters);
    const { response, totalTokens } = await stats(request, asker);
    const body = {
      ...(restJson(GetStatsResponseSchema, response) as object),
      total_tokens: totalTokens,
    };
    return {
      body,
      table: () => statsTable(body, request.groupBy),
      headers: {
        'cache-control': cacheControl('getStats', request),
        ...sourceHeaders(response.source),
      },
    };
  };

/**
 * A request of the deployed clients, who give up after a few refusals: what is not known is passed
 * over, and more hours than there are mean all of them, as with the service that they knew.
 */
function olderRequest<Desc extends typeof ListEventsRequestSchema | typeof GetStatsRequestSchema>(
  schema: Desc,
  parameters: URLSearchParams,
): MessageShape<Desc> {
  const known = [...parameters].filter(([name]) => isParameter(schema, name));
  const request: MessageShape<Desc> = readParameters(schema, new URLSearchParams(known));
  request.hours = Math.min(request.hours, hoursMax);
  return request;
}
