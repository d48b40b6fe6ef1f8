import { create, type JsonObject, toBinary } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { uuidv7 } from 'uuidv7';
import { BinaryBatchSchema } from '../gen/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../gen/gravitas/telemetry/v1/telemetry_pb.js';
import { batchLine } from './line.ts';
import type { EventRecord, TelemetryRecord, UsageRecord } from './records.ts';
import { storableMetadata } from './storable.ts';

/** Records with the id and the composition that they keep, however often they are sent. */
export interface Batch {
  readonly id: string;
  /** Events and usage records together. */
  readonly records: number;
  /** A LogBatchRequest as protobuf. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same as one line of JSON, with its end (clause 4.2). */
  line(): string;
}

/** Gathers records until they are a batch. */
export class Composer {
  readonly #resource: JsonObject | undefined;
  readonly #events: Event[] = [];
  readonly #usage: Usage[] = [];
  readonly #eventBytes: Uint8Array[] = [];
  readonly #usageBytes: Uint8Array[] = [];
  /** What the batch has come to, encoded. */
  bytes = 0;

  constructor(resource: JsonObject | undefined) {
    this.#resource = resource;
  }

  get records(): number {
    return this.#events.length + this.#usage.length;
  }

  /** Throws where a record can't be encoded; the batch is then as it was. */
  add(record: TelemetryRecord): void {
    let encoded: Uint8Array;
    if (record.kind === 'event') {
      const event = eventMessage(record, this.#resource);
      encoded = toBinary(EventSchema, event);
      this.#events.push(event);
      this.#eventBytes.push(encoded);
    } else {
      const usage = usageMessage(record, this.#resource);
      encoded = toBinary(UsageSchema, usage);
      this.#usage.push(usage);
      this.#usageBytes.push(encoded);
    }
    this.bytes += encoded.length + 4;
  }

  finish(): Batch {
    const batchId = uuidv7();
    const [events, usage] = [this.#events, this.#usage];
    const encoded = { batchId, events: this.#eventBytes, usage: this.#usageBytes };
    return {
      id: batchId,
      records: this.records,
      bytes: toBinary(BinaryBatchSchema, create(BinaryBatchSchema, encoded)),
      line: () => batchLine(batchId, events, usage),
    };
  }
}

function eventMessage(record: EventRecord, resource: JsonObject | undefined): Event {
  const event = create(EventSchema, {
    eventType: requiredText(record.eventType, 'the event type'),
    component: text(record.component),
    status: text(record.status),
    timestamp: timestamp(record.timeUs),
  });
  const value = number(record.value, 'value');
  if (value !== undefined) event.value = value;
  const metadata = metadataOf(record, resource);
  if (metadata) event.metadata = metadata;
  return event;
}

function usageMessage(record: UsageRecord, resource: JsonObject | undefined): Usage {
  const { more } = record;
  const usage = create(UsageSchema, {
    model: requiredText(record.model, 'the model'),
    layer: text(record.layer),
    provider: text(more.provider),
    operation: text(more.operation),
    inputTokens: tokens(record.promptTokens, 'promptTokens'),
    outputTokens: tokens(record.completionTokens, 'completionTokens'),
    cachedTokens: tokens(more.cachedTokens, 'cachedTokens'),
    reasoningTokens: tokens(more.reasoningTokens, 'reasoningTokens'),
    ghostId: text(more.ghostId),
    shellId: text(more.shellId),
    timestamp: timestamp(record.timeUs),
  });
  const durationMs = number(record.durationMs, 'durationMs');
  if (durationMs !== undefined) usage.durationMs = durationMs;
  const costUsd = number(more.costUsd, 'costUsd');
  if (costUsd !== undefined) usage.costUsd = costUsd;
  const metadata = metadataOf(record, resource);
  if (metadata) usage.metadata = metadata;
  return usage;
}

function metadataOf(
  { metadata }: TelemetryRecord,
  resource: JsonObject | undefined,
): JsonObject | undefined {
  const isGiven = metadata !== undefined && metadata !== null;
  const own = isGiven ? storableMetadata(metadata) : undefined;
  return resource ? { ...own, resource } : own;
}

const text = (value: unknown): string =>
  value === undefined || value === null ? '' : String(value).toWellFormed();

function requiredText(value: unknown, name: string): string {
  const given = text(value);
  if (given === '') throw new TypeError(`${name} is missing`);
  return given;
}

function number(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const given = Number(value);
  if (!Number.isFinite(given)) throw new TypeError(`${name} is ${given}, not a finite number`);
  // JSON has no negative zero.
  return given + 0;
}

function tokens(value: unknown, name: string): bigint {
  const count = Math.trunc(number(value, name) ?? 0);
  if (count < 0) throw new TypeError(`${name} is ${count}, no count of tokens`);
  return BigInt(count);
}

function timestamp(timeUs: number): Timestamp {
  if (!Number.isSafeInteger(timeUs)) throw new TypeError('the timestamp is not a time');
  const seconds = Math.floor(timeUs / 1_000_000);
  return {
    $typeName: 'google.protobuf.Timestamp',
    seconds: BigInt(seconds),
    nanos: (timeUs - seconds * 1_000_000) * 1000,
  };
}
