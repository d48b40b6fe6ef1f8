import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  Durability,
  DurabilitySchema,
  type LogBatchResponseSchema,
  Rejection_Kind,
  type StreamBatchesResponseSchema,
  type StreamEventsResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { type Rejection, rejectionsMax } from '../buffer/batch.ts';
import { ServiceError } from '../errors.ts';
import type { RecordKind } from '../records/tables.ts';
import { refusalReason } from '../serve/refusal-reason.ts';
import type { OnRefused } from '../serve/refusals.ts';
import { codeOf } from '../serve/told-error.ts';
import { rejectedTotal, type StoredBatch, type StoredRecord } from './ingest.ts';

type BatchAck = MessageInitShape<typeof StreamBatchesResponseSchema>;

/** The answer to a stream of batches that are not acknowledged one by one. */
export class StreamSummary {
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

export function recordResponse(stored: StoredRecord, kind: RecordKind) {
  const { recordId, durability, duplicate } = stored;
  const what = kind === 'event' ? 'event' : 'usage record';
  const message = duplicate ? `${what} was stored before` : `${what} stored`;
  return { success: true, message, id: recordId, durability: durabilities[durability], duplicate };
}

export function batchResponse(
  stored: StoredBatch,
): MessageInitShape<typeof LogBatchResponseSchema> {
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

export const acknowledgement =
  (sequence: number) =>
  (stored: StoredBatch): BatchAck => ({ sequence: BigInt(sequence), ack: batchResponse(stored) });

/** Refusals of one batch leave the stream open; anything unexpected ends it. */
export const refusal =
  (sequence: number, batchId: string, onRefused: OnRefused) =>
  (error: unknown): BatchAck => {
    if (!(error instanceof ServiceError)) throw error;
    const reason = refusalReason(error);
    if (reason) onRefused(reason);
    const { message, retryDelayMs } = error;
    const retry = retryDelayMs === undefined ? {} : { retryDelay: durationFromMs(retryDelayMs) };
    return {
      sequence: BigInt(sequence),
      error: { batchId, code: codeOf(error), message, ...retry },
    };
  };

/** As JSON has it. */
export const durabilityName = (durability: Durability): string =>
  DurabilitySchema.value[durability]?.name ?? '';

const durabilities = { committed: Durability.COMMITTED, spooled: Durability.SPOOLED };

const kinds: Record<RecordKind, Rejection_Kind> = {
  event: Rejection_Kind.EVENT,
  usage: Rejection_Kind.USAGE,
};

function rejectionMessage({ kind, index, field, reason }: Rejection, batchId = '') {
  return { kind: kinds[kind], index, field, reason, batchId };
}
