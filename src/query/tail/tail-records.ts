import { create } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { TailRecordSchema } from '../../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';
import { timestampOfUs } from '../ask/instants.ts';
import { type EventRow, eventMessage } from '../lists/list-events.ts';
import { type FullUsageRow, usageRecord } from '../lists/list-usage.ts';
import type { FollowedRow } from './followed-rows.ts';
import type { Sized } from './tail-reader.ts';

/** What a record takes beside its metadata, about. */
const fieldsBytes = 400;

export function sizedRecord(row: FollowedRow): Sized {
  const record = create(TailRecordSchema, {
    record: isEvent(row)
      ? { case: 'event', value: eventMessage(row) }
      : { case: 'usage', value: usageRecord(row) },
    observedAt: create(TimestampSchema, timestampOfUs(row.observed_at_us)),
  });
  return { id: row.id, record, bytes: fieldsBytes + Buffer.byteLength(row.metadata ?? '') };
}

const isEvent = (row: EventRow | FullUsageRow): row is EventRow => 'event_type' in row;
