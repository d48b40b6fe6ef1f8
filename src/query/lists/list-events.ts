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
import type { Asker, Snapshots } from '../ask/snapshot.ts';
import { present } from '../messages.ts';
import { doubleMetadata } from '../metadata.ts';
import { observedUs, shownNumber } from '../row-values.ts';
import { listPage } from './list-page.ts';
import type { ListedRow } from './list-records.ts';

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
export const eventColumns = sql`id, event_type, component, value,
  metadata::text as metadata, status, ${usOf(sql`"timestamp"`)} as timestamp_us,
  ${observedUs} as observed_at_us`;

/** A page of events, and the rows of it, whose metadata has all its digits. */
export async function listEvents(
  snapshots: Snapshots,
  request: ListEventsRequest,
  asker: Asker,
): Promise<{ response: ListEventsResponse; rows: readonly EventRow[] }> {
  const about = {
    kind: 'event',
    columns: eventColumns,
    filter: eventFilter(request.filter, request),
  } as const;
  const page = await listPage<EventRow>(snapshots, about, request, asker);
  const { rows, nextPageToken, source } = page;
  const response = create(ListEventsResponseSchema, {
    events: rows.map(eventMessage),
    nextPageToken,
    source,
    observedAt: rows.map((row) => timestampOfUs(row.observed_at_us)),
  });
  return { response, rows };
}

export function eventMessage(row: EventRow): Event {
  return create(EventSchema, {
    id: row.id,
    eventType: row.event_type,
    component: row.component ?? '',
    ...present('value', shownNumber(row.value)),
    ...present('metadata', row.metadata === null ? null : doubleMetadata(row.metadata)),
    status: row.status ?? '',
    timestamp: timestampOfUs(row.timestamp_us),
  });
}
