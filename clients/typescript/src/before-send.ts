import { timeUs } from './clock.ts';
import type {
  EventFields,
  EventRecord,
  TelemetryRecord,
  UsageFields,
  UsageRecord,
} from './records.ts';
import { storable } from './storable.ts';

/** An event as `beforeSend` gets it: the arguments of `log`, with a copy of the metadata. */
export interface OutgoingEvent extends Writable<Omit<EventFields, 'metadata'>> {
  eventType: string;
  metadata?: Record<string, unknown> | undefined;
}

/** Token usage as `beforeSend` gets it: the arguments of `logUsage`, with a copy of the metadata. */
export interface OutgoingUsage extends Writable<Omit<UsageFields, 'metadata'>> {
  model: string;
  layer: string;
  promptTokens: number;
  completionTokens: number;
  durationMs?: number | undefined;
  metadata?: Record<string, unknown> | undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Gets each record before it becomes part of a batch, and gives the one to send: the same, changed
 * or not, or another. Where it gives nothing, or throws, the record is dropped as `withheld`.
 */
export type BeforeSend = (
  record: OutgoingEvent | OutgoingUsage,
) => OutgoingEvent | OutgoingUsage | null | undefined;

/** The record to send; undefined where there is none. Throws what the hook throws. */
export function hooked(
  record: TelemetryRecord,
  beforeSend: BeforeSend,
): TelemetryRecord | undefined {
  const given = beforeSend(record.kind === 'event' ? outgoingEvent(record) : outgoingUsage(record));
  if (!given) return undefined;
  if (typeof given !== 'object' || 'then' in given) {
    throw new TypeError('it gives neither a record nor nothing');
  }
  return 'eventType' in given ? eventRecord(given) : usageRecord(given);
}

function outgoingEvent(record: EventRecord): OutgoingEvent {
  const { eventType, component, value, status } = record;
  const fields = { eventType, component, value, status } as OutgoingEvent;
  return { ...fields, ...metadataOf(record), timestamp: record.timeUs / 1000 };
}

function outgoingUsage(record: UsageRecord): OutgoingUsage {
  const { model, layer, promptTokens, completionTokens, durationMs, more } = record;
  const fields = { model, layer, promptTokens, completionTokens, durationMs } as OutgoingUsage;
  return { ...more, ...fields, ...metadataOf(record), timestamp: record.timeUs / 1000 };
}

const metadataOf = ({ metadata }: TelemetryRecord) =>
  metadata === undefined || metadata === null ? {} : { metadata: storable(metadata).object };

function eventRecord(given: OutgoingEvent): EventRecord {
  const { eventType, component, value, metadata, status, timestamp } = given;
  const at = timeUs(timestamp);
  return { kind: 'event', timeUs: at, eventType, component, value, metadata, status };
}

function usageRecord(given: OutgoingUsage): UsageRecord {
  const { model, layer, promptTokens, completionTokens, durationMs, metadata, timestamp, ...more } =
    given;
  const counts = { promptTokens, completionTokens, durationMs };
  return { kind: 'usage', timeUs: timeUs(timestamp), model, layer, ...counts, more, metadata };
}
