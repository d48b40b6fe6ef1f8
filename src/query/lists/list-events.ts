import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import {
  type ListEventsRequest,
  type ListEventsResponse,
  ListEventsResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  type Event,
  EventSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { eventFilter } from '../ask/filters.ts';
import { timestampOfUs, usOf } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { readRange } from '../ask/time-range.ts';
import { present } from '../messages.ts';
import { doubleMetadata } from '../metadata.ts';
import { finite, observedUs } from '../row-values.ts';
import { type ListedRow, listRecords, readOrder } from './list-records.ts';

export const pageSizeDefault = 100;
export const pageSizeMax = 1000;

export interface EventRow extends ListedRow {
  readonly event_type: string;
  readonly component: string | null;
  readonly value: number | null;
  /** As jsonb writes it. */
  readonly metadata: string | null;
  readonly status: string | null;
  readonly observed_at_us: number;
}

/** Of a row. */
export const eventColumns = sql`id, event_type, component, ${finite('value')} as value,
  metadata::text as metadata, status, ${usOf(sql`"timestamp"`)} as timestamp_us,
  ${observedUs} as observed_at_us`;

/** A page of events, and the rows of it, whose metadata has all its digits. */
export async function listEvents(
  snapshots: Snapshots,
  request: ListEventsRequest,
  asker: Asker,
): Promise<{ response: ListEventsResponse; rows: readonly EventRow[] }> {
  const sinceMs = performance.now();
  const notes = new Notes();
  const filter = eventFilter(request.filter, request);
  const order = readOrder(request.order);
  const pageSize = notes.limit('page_size', request.pageSize, pageSizeDefault, pageSizeMax);
  return await snapshots.read(asker, async (snapshot) => {
    const span = readRange(request, snapshot.asOfUs, notes);
    const { pageToken, id } = request;
    const listing = {
      kind: 'event',
      columns: eventColumns,
      filter,
      span,
      order,
      pageSize,
      pageToken,
      id,
    } as const;
    const { rows, nextPageToken } = await listRecords<EventRow>(snapshot.trx, listing);
    const answered = { kind: 'event', source: 'rows', span, notes, sinceMs } as const;
    const response = create(ListEventsResponseSchema, {
      events: rows.map(eventMessage),
      nextPageToken,
      source: await answerSource(snapshot, answered),
      observedAt: rows.map((row) => timestampOfUs(row.observed_at_us)),
    });
    return { response, rows };
  });
}

export function eventMessage(row: EventRow): Event {
  return create(EventSchema, {
    id: row.id,
    eventType: row.event_type,
    component: row.component ?? '',
    ...present('value', row.value),
    ...present('metadata', row.metadata === null ? null : doubleMetadata(row.metadata)),
    status: row.status ?? '',
    timestamp: timestampOfUs(row.timestamp_us),
  });
}
