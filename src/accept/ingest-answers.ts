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
import { type Answer, type Rejection, rejectionsMax } from '../buffer/batch.ts';
import { ServiceError } from '../errors.ts';
import type { RecordKind } from '../records/tables.ts';
import { refusalReason } from '../serve/refusal-reason.ts';
import type { OnRefused } from '../serve/refusals.ts';
import { codeOf } from '../serve/told-error.ts';
import { rejectedTotal, type StoredBatch, type StoredRecord } from './ingest.ts';

type BatchAck = MessageInitShape<typeof StreamBatchesResponseSchema>;

/** The answer to a stream of batches that are not acknowledged one by one. */
export class StreamSummary {
  readonly #batches = {
    all: 0,
    duplicate: 0,
    events: 0,
    usage: 0,
    rejected: 0,
    deadLettered: 0,
    repeated: 0,
  };
  readonly #rejections: ReturnType<typeof rejectionMessage>[] = [];

  add({ batchId, duplicate, answer }: StoredBatch): void {
    this.#batches.all += 1;
    this.#batches.duplicate += duplicate ? 1 : 0;
    this.#batches.events += storedOf('event', answer);
    this.#batches.usage += storedOf('usage', answer);
    this.#batches.rejected += rejectedTotal(answer);
    this.#batches.deadLettered += deadLetteredTotal(answer);
    this.#batches.repeated += repeatedTotal(answer);
    for (const rejection of answer.rejections.slice(0, rejectionsMax - this.#rejections.length)) {
      this.#rejections.push(rejectionMessage(rejection, batchId));
    }
  }

  response(): MessageInitShape<typeof StreamEventsResponseSchema> {
    const { all, duplicate, events, usage, rejected, deadLettered, repeated } = this.#batches;
    return {
      batches: BigInt(all),
      duplicateBatches: BigInt(duplicate),
      events: BigInt(events),
      usage: BigInt(usage),
      rejected: BigInt(rejected),
      rejections: this.#rejections,
      deadLettered: BigInt(deadLettered),
      duplicates: BigInt(repeated),
    };
  }
}

/** The answer to a single record, of either kind. */
export type RecordResponse = ReturnType<typeof recordResponse>;

export function recordResponse(stored: StoredRecord, kind: RecordKind) {
  const { recordId, durability, answer } = stored;
  const duplicate = stored.duplicate || repeatedTotal(answer) > 0;
  const id = answer.repeated?.firstRowId ?? recordId;
  const what = kind === 'event' ? 'event' : 'usage record';
  const message = `${what} ${fate(duplicate, deadLetteredTotal(answer) > 0)}`;
  return { success: true, message, id, durability: durabilities[durability], duplicate };
}

/** What became of a record that is acknowledged. */
function fate(duplicate: boolean, isDeadLetter: boolean): string {
  if (isDeadLetter)
    return 'not stored: the database does not take it, and it is kept as a dead letter';
  return duplicate ? 'was stored before' : 'stored';
}

export function batchResponse(
  stored: StoredBatch,
): MessageInitShape<typeof LogBatchResponseSchema> {
  const { batchId, durability, duplicate, answer } = stored;
  return {
    batchId,
    durability: durabilities[durability],
    duplicate,
    events: storedOf('event', answer),
    usage: storedOf('usage', answer),
    rejected: rejectedTotal(answer),
    rejections: answer.rejections.map((rejection) => rejectionMessage(rejection)),
    deadLettered: deadLetteredTotal(answer),
    duplicates: repeatedTotal(answer),
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

const storedOf = (kind: RecordKind, answer: Answer): number =>
  answer.stored[kind] -
  (answer.deadLettered?.[kind] ?? 0) -
  (kind === 'usage' ? repeatedTotal(answer) : 0);

const repeatedTotal = ({ repeated }: Answer): number => repeated?.count ?? 0;

const deadLetteredTotal = ({ deadLettered }: Answer): number =>
  deadLettered ? deadLettered.event + deadLettered.usage : 0;

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
