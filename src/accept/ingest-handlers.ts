import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, type Struct } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import {
  type BinaryBatch,
  BinaryIngestService,
  type JsonBatch,
  JsonIngestService,
} from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  Durability,
  type LogBatchResponseSchema,
  type LogRequest,
  LogRequestSchema,
  type LogUsageRequest,
  LogUsageRequestSchema,
  Rejection_Kind,
  type StreamBatchesResponseSchema,
  type StreamEventsResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type Rejection, rejectionsMax } from '../buffer/batch.ts';
import { ServiceError } from '../errors.ts';
import type { RecordKind } from '../event-types.ts';
import { acknowledgeInOrder } from './acknowledge.ts';
import { codeOf } from './connect-errors.ts';
import { decodeJson, decodeJsonBatch, type IncomingBatch, structJson } from './decode.ts';
import { FieldFault } from './encode/validate.ts';
import { type Ingest, rejectedTotal, type StoredBatch, type StoredRecord } from './ingest.ts';

export interface StreamOptions {
  readonly inFlightMax: number;
  readonly shutdown: AbortSignal;
}

/** Routes both readings of IngestService, by protobuf and by JSON, to the same handlers. */
export function ingestRoutes(router: ConnectRouter, ingest: Ingest, options: StreamOptions): void {
  const handlers = new IngestHandlers(ingest, options);
  router.service(BinaryIngestService, {
    log: (request) => handlers.log(request),
    logUsage: (request) => handlers.logUsage(request),
    logBatch: (request) => handlers.logBatch(request, undecoded),
    streamEvents: (requests, context) => handlers.streamEvents(requests, undecoded, context),
    streamBatches: (requests, context) => handlers.streamBatches(requests, undecoded, context),
  });
  router.service(JsonIngestService, {
    log: (request) => handlers.log(readJson(LogRequestSchema, request)),
    logUsage: (request) => handlers.logUsage(readJson(LogUsageRequestSchema, request)),
    logBatch: (request) => handlers.logBatch(request, decodeJsonBatch),
    streamEvents: (requests, context) => handlers.streamEvents(requests, decodeJsonBatch, context),
    streamBatches: (requests, context) =>
      handlers.streamBatches(requests, decodeJsonBatch, context),
  });
}

/** A batch whose records are not decoded yet. */
type RawBatch = Pick<BinaryBatch | JsonBatch, 'batchId' | 'events' | 'usage'>;
type Decode<Raw extends RawBatch> = (raw: Raw) => IncomingBatch;
type BatchAck = MessageInitShape<typeof StreamBatchesResponseSchema>;

/** Its records are decoded as they are encoded, one at a time. */
const undecoded = (batch: BinaryBatch): IncomingBatch => batch;

class IngestHandlers {
  readonly #ingest: Ingest;
  readonly #options: StreamOptions;

  constructor(ingest: Ingest, options: StreamOptions) {
    this.#ingest = ingest;
    this.#options = options;
  }

  async log({ idempotencyKey, $typeName: _, ...fields }: LogRequest) {
    const events = [create(EventSchema, fields)];
    const stored = await this.#ingest.record('event', {
      batchId: idempotencyKey,
      events,
      usage: [],
    });
    return recordResponse(stored, 'event');
  }

  async logUsage({ idempotencyKey, $typeName: _, ...fields }: LogUsageRequest) {
    const usage = [create(UsageSchema, fields)];
    const stored = await this.#ingest.record('usage', {
      batchId: idempotencyKey,
      events: [],
      usage,
    });
    return recordResponse(stored, 'usage record');
  }

  async logBatch<Raw extends RawBatch>(raw: Raw, decode: Decode<Raw>) {
    return batchResponse(await this.#ingest.batch(this.#decode(raw, decode)));
  }

  async *streamBatches<Raw extends RawBatch>(
    requests: AsyncIterable<Raw>,
    decode: Decode<Raw>,
    context: HandlerContext,
  ) {
    const handle = async (raw: Raw, sequence: number) => {
      const refuse = refusal(sequence, raw.batchId);
      try {
        const { stored } = await this.#ingest.admit(this.#decode(raw, decode), context.signal);
        return { ack: stored.then(acknowledgement(sequence), refuse) };
      } catch (error) {
        return { ack: Promise.resolve(refuse(error)) };
      }
    };
    yield* acknowledgeInOrder(requests, handle, { ...this.#options, signal: context.signal });
  }

  async streamEvents<Raw extends RawBatch>(
    requests: AsyncIterable<Raw>,
    decode: Decode<Raw>,
    context: HandlerContext,
  ) {
    const handle = async (raw: Raw) => {
      const { stored } = await this.#ingest.admit(this.#decode(raw, decode), context.signal);
      return { ack: stored };
    };
    const summary = new StreamSummary();
    const acks = acknowledgeInOrder(requests, handle, { ...this.#options, signal: context.signal });
    for await (const stored of acks) summary.add(stored);
    return summary.response();
  }

  #decode<Raw extends RawBatch>(raw: Raw, decode: Decode<Raw>): IncomingBatch {
    this.#ingest.checkRows(raw);
    return decode(raw);
  }
}

class StreamSummary {
  readonly #batches = { all: 0, duplicate: 0, events: 0, usage: 0, rejected: 0 };
  readonly #rejections: ReturnType<typeof rejectionMessage>[] = [];

  add({ batchId, duplicate, answer }: StoredBatch): void {
    this.#batches.all += 1;
    this.#batches.duplicate += duplicate ? 1 : 0;
    this.#batches.events += answer.stored.event;
    this.#batches.usage += answer.stored.usage;
    this.#batches.rejected += rejectedTotal(answer);
    for (const rejection of answer.rejections.slice(0, rejectionsMax - this.#rejections.length)) {
      this.#rejections.push(rejectionMessage(rejection, batchId));
    }
  }

  response(): MessageInitShape<typeof StreamEventsResponseSchema> {
    const { all, duplicate, events, usage, rejected } = this.#batches;
    return {
      batches: BigInt(all),
      duplicateBatches: BigInt(duplicate),
      events: BigInt(events),
      usage: BigInt(usage),
      rejected: BigInt(rejected),
      rejections: this.#rejections,
    };
  }
}

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

function recordResponse(stored: StoredRecord, what: string) {
  const { recordId, durability, duplicate } = stored;
  const message = duplicate ? `${what} was stored before` : `${what} stored`;
  return { success: true, message, id: recordId, durability: durabilities[durability], duplicate };
}

function batchResponse(stored: StoredBatch): MessageInitShape<typeof LogBatchResponseSchema> {
  const { batchId, durability, duplicate, answer } = stored;
  return {
    batchId,
    durability: durabilities[durability],
    duplicate,
    events: answer.stored.event,
    usage: answer.stored.usage,
    rejected: rejectedTotal(answer),
    rejections: answer.rejections.map((rejection) => rejectionMessage(rejection)),
  };
}

const acknowledgement =
  (sequence: number) =>
  (stored: StoredBatch): BatchAck => ({ sequence: BigInt(sequence), ack: batchResponse(stored) });

/** Refusals of one batch leave the stream open; anything unexpected ends it. */
const refusal =
  (sequence: number, batchId: string) =>
  (error: unknown): BatchAck => {
    if (!(error instanceof ServiceError)) throw error;
    const { message, retryDelayMs } = error;
    const retry = retryDelayMs === undefined ? {} : { retryDelay: durationFromMs(retryDelayMs) };
    return {
      sequence: BigInt(sequence),
      error: { batchId, code: codeOf(error), message, ...retry },
    };
  };

const durabilities = { committed: Durability.COMMITTED, spooled: Durability.SPOOLED };

const kinds: Record<RecordKind, Rejection_Kind> = {
  event: Rejection_Kind.EVENT,
  usage: Rejection_Kind.USAGE,
};

function rejectionMessage({ kind, index, field, reason }: Rejection, batchId = '') {
  return { kind: kinds[kind], index, field, reason, batchId };
}
