import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { isUuid } from '../uuid.ts';

export interface EventFilter {
  readonly component?: string | undefined;
  readonly eventType?: string | undefined;
  readonly status?: string | undefined;
  /** Not before. */
  readonly start?: Date | undefined;
  /** Before. */
  readonly end?: Date | undefined;
}

export interface EventRow {
  readonly id: string;
  readonly event_type: string;
  readonly component: string | null;
  readonly value: number | null;
  /** As jsonb writes it. */
  readonly metadata: string | null;
  readonly status: string | null;
  /** Microseconds since 1970. */
  readonly timestamp_us: number;
}

export interface EventPage {
  readonly events: readonly EventRow[];
  readonly nextPageToken: string;
}

/** Events, newest first. The token of the next page is the place of the last event of this one. */
export async function listEvents(
  db: Kysely<Database>,
  filter: EventFilter,
  pageSize: number,
  pageToken: string,
): Promise<EventPage> {
  const after = pageToken === '' ? undefined : parsePageToken(pageToken);
  let query = db
    .selectFrom('system_telemetry')
    .select([
      'id',
      'event_type',
      'component',
      finite('value').as('value'),
      sql<string | null>`metadata::text`.as('metadata'),
      'status',
      sql<number>`(extract(epoch from "timestamp") * 1000000)::bigint`.as('timestamp_us'),
    ])
    .where(hasShownTime)
    .orderBy('timestamp', 'desc')
    .orderBy('id', 'desc')
    .limit(pageSize + 1);
  if (filter.component) query = query.where('component', '=', filter.component);
  if (filter.eventType) query = query.where('event_type', '=', filter.eventType);
  if (filter.status) query = query.where('status', '=', filter.status);
  if (filter.start) query = query.where('timestamp', '>=', filter.start);
  if (filter.end) query = query.where('timestamp', '<', filter.end);
  if (after) {
    const { timestampUs, id } = after;
    const place = sql`(to_timestamp(0) + ${timestampUs} * interval '1 microsecond', ${id}::uuid)`;
    query = query.where(sql<boolean>`("timestamp", id) < ${place}`);
  }
  const rows = await query.execute();
  const events = rows.slice(0, pageSize);
  const last = events.at(-1);
  const more = rows.length > pageSize && last;
  return { events, nextPageToken: more ? formatPageToken(last) : '' };
}

/**
 * Passes over an endless time and one that a number of microseconds can't hold, as an older
 * service may have written.
 */
export const hasShownTime = sql<boolean>`
  "timestamp" >= timestamptz '1700-01-01 UTC' and "timestamp" < timestamptz '2250-01-01 UTC'`;

/** A number that JSON can show: an older service may have written NaN. */
export function finite(column: 'value' | 'duration_ms') {
  return sql<number | null>`
    (case when ${sql.ref(column)} not in ('NaN', 'Infinity', '-Infinity') then ${sql.ref(column)} end)`;
}

function formatPageToken({ timestamp_us, id }: EventRow): string {
  return Buffer.from(`${timestamp_us}/${id}`).toString('base64url');
}

function parsePageToken(token: string): { timestampUs: number; id: string } {
  const [time, id] = Buffer.from(token, 'base64url').toString().split('/');
  const timestampUs = Number(time);
  if (!time || !id || !Number.isSafeInteger(timestampUs) || !isUuid(id)) {
    throw new ServiceError('invalid', 'page_token is not one that was given out', {
      field: 'page_token',
    });
  }
  return { timestampUs, id };
}
