import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import type { Struct } from '@bufbuild/protobuf/wkt';
import type { JsonBatch } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type LogRequest,
  LogRequestSchema,
  type LogUsageRequest,
  LogUsageRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { ServiceError } from '../errors.ts';
import { FieldFault } from '../records/limits.ts';
import type { RecordKind } from '../records/tables.ts';
import type { Call } from '../serve/call.ts';
import type { OnRefused } from '../serve/refusals.ts';
import { acknowledgeInOrder } from './acknowledge.ts';
import { decodeJson, type IncomingBatch, structJson } from './decode.ts';
import type { EncodedBatch } from './encode-batch.ts';
import type { Ingest } from './ingest.ts';
import {
  acknowledgement,
  batchResponse,
  durabilityName,
  recordResponse,
  refusal,
  StreamSummary,
} from './ingest-answers.ts';
import { readWireBatch, type WireBatch } from './wire-batch.ts';

export interface StreamOptions {
  readonly inFlightMax: number;
  readonly shutdown: AbortSignal;
  readonly onRefused: OnRefused;
}

/** A batch whose records are not decoded yet. */
type RawBatch = Pick<WireBatch | JsonBatch, 'batchId' | 'events' | 'usage'>;
type Decode<Raw extends RawBatch> = (raw: Raw) => IncomingBatch;

/** A batch of a stream: encoded, or why it is refused. */
export interface PreparedBatch {
  readonly batchId: string;
  readonly batch: EncodedBatch | ServiceError;
}

/** Its records are decoded as they are encoded, one at a time. */
export const undecoded = (batch: WireBatch): IncomingBatch => batch;

/** The methods of IngestService, whatever protocol their messages came by. */
export class IngestHandlers {
  readonly #ingest: Ingest;
  readonly #options: StreamOptions;

  constructor(ingest: Ingest, options: StreamOptions) {
    this.#ingest = ingest;
    this.#options = options;
  }

  async log(call: Call, request: LogRequest) {
    return recordResponse(await this.#ingest.record(call, 'event', eventOf(request)), 'event');
  }

  async logUsage(call: Call, request: LogUsageRequest) {
    return recordResponse(await this.#ingest.record(call, 'usage', usageOf(request)), 'usage');
  }

  /** Reads and encodes a record in JSON; undefined where it is not valid. */
  prepareRecord(kind: RecordKind, json: JsonObject): EncodedBatch | undefined {
    try {
      const incoming =
        kind === 'event'
          ? (rfcEvent(json) ?? eventOf(decodeJson(LogRequestSchema, json)))
          : usageOf(decodeJson(LogUsageRequestSchema, json));
      const batch = this.#ingest.encode(incoming, 'idempotency_key');
      return batch.answer.rejections.length === 0 ? batch : undefined;
    } catch (error) {
      if (error instanceof FieldFault || error instanceof ServiceError) return undefined;
      throw error;
    }
  }

  /** Stores what `prepareRecord` gave; resolves with the answer in JSON. */
  async storeRecord(call: Call, kind: RecordKind, batch: EncodedBatch): Promise<JsonObject> {
    const response = recordResponse(await this.#ingest.storeRecord(call, kind, batch), kind);
    return { ...response, durability: durabilityName(response.durability) };
  }

  async logBatch<Raw extends RawBatch>(call: Call, raw: Raw, decode: Decode<Raw>) {
    this.#ingest.checkRows(raw);
    return batchResponse(await this.#ingest.batch(call, decode(raw)));
  }

  async *streamBatches(call: Call, batches: AsyncIterable<PreparedBatch>) {
    const handle = async ({ batchId, batch }: PreparedBatch, sequence: number) => {
      const refuse = refusal(sequence, batchId, this.#options.onRefused);
      try {
        if (batch instanceof ServiceError) throw batch;
        const { stored } = await this.#ingest.admit(call, batch);
        return { ack: stored.then(acknowledgement(sequence), refuse) };
      } catch (error) {
        return { ack: Promise.resolve(refuse(error)) };
      }
    };
    yield* acknowledgeInOrder(batches, handle, { ...this.#options, signal: call.signal });
  }

  async streamEvents(call: Call, batches: AsyncIterable<PreparedBatch>) {
    const handle = async ({ batch }: PreparedBatch) => {
      if (batch instanceof ServiceError) throw batch;
      const { stored } = await this.#ingest.admit(call, batch);
      return { ack: stored };
    };
    const summary = new StreamSummary();
    const acks = acknowledgeInOrder(batches, handle, { ...this.#options, signal: call.signal });
    for await (const stored of acks) summary.add(stored);
    return summary.response();
  }

  async *prepared<Raw extends RawBatch>(
    requests: AsyncIterable<Raw>,
    decode: Decode<Raw>,
  ): AsyncGenerator<PreparedBatch> {
    for await (const raw of requests) yield this.#prepare(raw, decode);
  }

  /** Reads and encodes a batch in protobuf; throws a `ServiceError` where it is malformed. */
  prepareBinary(message: Uint8Array): PreparedBatch {
    return this.#prepare(readWireBatch(message), undecoded);
  }

  #prepare<Raw extends RawBatch>(raw: Raw, decode: Decode<Raw>): PreparedBatch {
    const { batchId } = raw;
    try {
      this.#ingest.checkRows(raw);
      return { batchId, batch: this.#ingest.encode(decode(raw), 'batch_id') };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return { batchId, batch: error };
    }
  }
}

/** An event of nothing but the RFC's fields, which are here as protobuf's reading would give them. */
function rfcEvent(json: JsonObject): IncomingBatch | undefined {
  for (const name in json) if (!rfcFields.has(name)) return undefined;
  const { event_type: eventType, component, value, metadata, status } = json;
  if (typeof eventType !== 'string') return undefined;
  const fields: MessageInitShape<typeof EventSchema> = { eventType };
  if (typeof component === 'string') fields.component = component;
  else if (component != null) return undefined;
  if (typeof value === 'number') fields.value = value;
  else if (value != null) return undefined;
  if (typeof status === 'string') fields.status = status;
  else if (status != null) return undefined;
  if (typeof metadata === 'object' && !Array.isArray(metadata)) {
    if (metadata) fields.metadata = metadata;
  } else if (metadata != null) return undefined;
  return { batchId: '', events: [create(EventSchema, fields)], usage: [] };
}

const rfcFields = new Set(['event_type', 'component', 'value', 'metadata', 'status']);

function eventOf({ idempotencyKey, $typeName: _, ...fields }: LogRequest): IncomingBatch {
  return {
    form: 'protobuf',
    batchId: idempotencyKey,
    events: [create(EventSchema, fields)],
    usage: [],
  };
}

function usageOf({ idempotencyKey, $typeName: _, ...fields }: LogUsageRequest): IncomingBatch {
  return {
    form: 'protobuf',
    batchId: idempotencyKey,
    events: [],
    usage: [create(UsageSchema, fields)],
  };
}

export const readJsonLog = (request: Struct) => readJson(LogRequestSchema, request);
export const readJsonUsage = (request: Struct) => readJson(LogUsageRequestSchema, request);

function readJson<Desc extends typeof LogRequestSchema | typeof LogUsageRequestSchema>(
  schema: Desc,
  request: Struct,
) {
  try {
    return decodeJson(schema, structJson(request));
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const { field, message } = error;
    throw new ServiceError('invalid', `${field} ${message}`.trim(), { field });
  }
}
