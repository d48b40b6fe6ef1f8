import type { DescMessage } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../gen/gravitas/telemetry/v1/telemetry_pb.js';

/**
 * A LogBatchRequest as a line of its proto3 JSON form, its id first (clause 4.2). The general
 * `toJson` takes several times as long, and holds the event loop as long: a test compares the two.
 */
export function batchLine(
  batchId: string,
  events: readonly Event[],
  usage: readonly Usage[],
): string {
  const request = {
    batch_id: batchId,
    ...(events.length > 0 && { events: events.map((event) => recordJson(EventSchema, event)) }),
    ...(usage.length > 0 && { usage: usage.map((record) => recordJson(UsageSchema, record)) }),
  };
  return `${JSON.stringify(request)}\n`;
}

/** Of what a record has: text, numbers, counts, metadata and a time. */
function recordJson(schema: DescMessage, record: object): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const { name, localName } of schema.fields) {
    const value = record[localName as keyof typeof record] as unknown;
    if (value === undefined || value === '' || value === 0n) continue;
    if (localName === 'timestamp') json[name] = timeText(value as Timestamp);
    else json[name] = typeof value === 'bigint' ? String(value) : value;
  }
  return json;
}

/** RFC 3339 with microseconds. */
function timeText({ seconds, nanos }: Timestamp): string {
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -'.000Z'.length);
  return `${whole}.${String(nanos / 1000).padStart(6, '0')}Z`;
}
