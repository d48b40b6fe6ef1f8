import { create, toBinary } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { uuidv7 } from 'uuidv7';
import { BinaryBatchSchema } from '../gen/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../gen/gravitas/telemetry/v1/telemetry_pb.js';
import { measureText } from './json-size.ts';
import { batchLine } from './line.ts';
import type { EventRecord, TelemetryRecord, UsageRecord } from './records.ts';
import { metadataBytesMax, type Storable, storable } from './storable.ts';
import { textOf } from './texts.ts';

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

/** The service takes 2 MiB, and a record may be added to what is nearly as much (clause 2.1). */
const lineBytesMax = 1.25 * 1024 * 1024;
/** Of one record, as a line (clause 1.2). */
const recordBytesMax = 512 * 1024;
/** More is no name of anything. */
const textBytesMax = 4096;
/** Not worth to be measured. */
const shortTextMax = 64;
/** What a record's line has beside its texts and metadata, at most. */
const frameBytes = { event: 256, usage: 1024 };

/** Gathers records until they are a batch. */
export class Composer {
  readonly #resource: Storable | undefined;
  readonly #bytesMax: number;
  readonly #events: Event[] = [];
  readonly #usage: Usage[] = [];
  readonly #eventBytes: Uint8Array[] = [];
  readonly #usageBytes: Uint8Array[] = [];
  readonly #texts = new Texts();
  /** What the batch has come to, as protobuf and at most as a line. */
  #bytes = 0;
  #lineBytes = 0;

  constructor(resource: Storable | undefined, bytesMax: number) {
    this.#resource = resource;
    this.#bytesMax = bytesMax;
  }

  get records(): number {
    return this.#events.length + this.#usage.length;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax || this.#lineBytes >= lineBytesMax;
  }

  /** Throws where a record can't be encoded; the batch is then as it was. */
  add(record: TelemetryRecord): void {
    const metadata = metadataOf(record, this.#resource);
    this.#texts.bytes = 0;
    const texts = this.#texts;
    let encoded: Uint8Array;
    if (record.kind === 'event') {
      const event = eventMessage(record, texts);
      this.#measure(metadata, frameBytes.event);
      if (metadata) event.metadata = metadata.object;
      encoded = toBinary(EventSchema, event);
      this.#events.push(event);
      this.#eventBytes.push(encoded);
    } else {
      const usage = usageMessage(record, texts);
      this.#measure(metadata, frameBytes.usage);
      if (metadata) usage.metadata = metadata.object;
      encoded = toBinary(UsageSchema, usage);
      this.#usage.push(usage);
      this.#usageBytes.push(encoded);
    }
    this.#bytes += encoded.length + 4;
  }

  /** What the record takes as a line, whose texts have been taken. */
  #measure(metadata: Storable | undefined, frame: number): void {
    const bytes = this.#texts.bytes + (metadata?.bytes ?? 0) + frame;
    if (bytes > recordBytesMax) {
      throw new TypeError(`it is ${bytes} bytes long as JSON; ${recordBytesMax} are allowed`);
    }
    this.#lineBytes += bytes;
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

function eventMessage(record: EventRecord, texts: Texts): Event {
  const event = create(EventSchema, {
    eventType: texts.required(record.eventType, 'the event type'),
    component: texts.take(record.component, 'component'),
    status: texts.take(record.status, 'status'),
    timestamp: timestamp(record.timeUs),
  });
  const value = number(record.value, 'value');
  if (value !== undefined) event.value = value;
  return event;
}

function usageMessage(record: UsageRecord, texts: Texts): Usage {
  const { more } = record;
  const usage = create(UsageSchema, {
    model: texts.required(record.model, 'the model'),
    layer: texts.take(record.layer, 'layer'),
    inputTokens: tokens(record.promptTokens, 'promptTokens'),
    outputTokens: tokens(record.completionTokens, 'completionTokens'),
    cachedTokens: tokens(more.cachedTokens, 'cachedTokens'),
    reasoningTokens: tokens(more.reasoningTokens, 'reasoningTokens'),
    cacheWriteTokens: tokens(more.cacheWriteTokens, 'cacheWriteTokens'),
    cacheWrite1hTokens: tokens(more.cacheWrite1hTokens, 'cacheWrite1hTokens'),
    timestamp: timestamp(record.timeUs),
  });
  for (const name of usageTexts) usage[name] = texts.take(more[name], name);
  const amounts: Readonly<Record<string, unknown>> = { ...more, durationMs: record.durationMs };
  for (const name of usageAmounts) {
    const amount = number(amounts[name], name);
    if (amount !== undefined) usage[name] = amount;
  }
  return usage;
}

/** What callers may say besides the arguments of `logUsage`, named as in the contract. */
const usageTexts = [
  'provider',
  'operation',
  'ghostId',
  'shellId',
  'sessionId',
  'responseId',
  'requestId',
  'agent',
  'userId',
  'team',
  'project',
  'traceId',
  'spanId',
  'status',
  'errorType',
  'serviceTier',
  'costSource',
  'usageRule',
] as const;
const usageAmounts = ['durationMs', 'costUsd', 'timeToFirstTokenMs'] as const;

/** Room and resource are shared by all of a record's metadata (clause 1.5). */
function metadataOf(
  { metadata }: TelemetryRecord,
  resource: Storable | undefined,
): Storable | undefined {
  if (metadata === undefined || metadata === null) {
    return resource && { object: { resource: resource.object }, bytes: resource.bytes };
  }
  if (!resource) return storable(metadata);
  const { object, bytes } = storable(metadata, metadataBytesMax - resource.bytes);
  return { object: { ...object, resource: resource.object }, bytes: bytes + resource.bytes };
}

/** The texts of one record. */
class Texts {
  /** Of JSON. */
  bytes = 0;

  take(value: unknown, name: string): string {
    if (value === undefined || value === null || value === '') return '';
    const text = typeof value === 'string' ? value : textOf(value);
    if (text.length <= shortTextMax) {
      // However it is escaped.
      this.bytes += 6 * text.length;
      return text.toWellFormed();
    }
    const { bytes, kept } = measureText(text, 6 * textBytesMax);
    if (kept < text.length || (bytes > textBytesMax && utf8Bytes(text) > textBytesMax)) {
      throw new TypeError(`${name} has more than ${textBytesMax} bytes`);
    }
    this.bytes += bytes;
    return text.toWellFormed();
  }

  required(value: unknown, name: string): string {
    const text = this.take(value, name);
    if (text === '') throw new TypeError(`${name} is missing`);
    return text;
  }
}

/** The range of a Timestamp. */
const secondsMin = -62_135_596_800;
const secondsEnd = 253_402_300_800;

const utf8Bytes = (text: string) => new TextEncoder().encode(text).length;

function number(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  // To JavaScript an empty text is 0.
  const isEmpty = typeof value !== 'number' && textOf(value).trim() === '';
  const given = isEmpty ? Number.NaN : Number(value);
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
  const seconds = Math.floor(timeUs / 1_000_000);
  if (!(seconds >= secondsMin && seconds < secondsEnd)) {
    throw new TypeError('the timestamp is not a time of the years 1 to 9999');
  }
  // So far away a number has no whole microseconds any more.
  const us = Math.max(timeUs - seconds * 1_000_000, 0);
  return { $typeName: 'google.protobuf.Timestamp', seconds: BigInt(seconds), nanos: us * 1000 };
}
