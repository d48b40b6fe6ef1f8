import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type {
  LogBatchResponseSchema,
  LogRequest,
  LogUsageRequest,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { ServiceError } from '../errors.ts';
import type { RecordKind } from '../records/tables.ts';
import type { Call } from '../serve/call.ts';
import type { WholeCall } from '../serve/plain-call.ts';
import type { OnRefused } from '../serve/refusals.ts';
import { acknowledgeInOrder } from './acknowledge.ts';
import type { EncodedBatch } from './encode-batch.ts';
import type { AdmittedBatch, Ingest } from './ingest.ts';
import {
  acknowledgement,
  batchResponse,
  type RecordResponse,
  recordResponse,
  refusal,
  StreamSummary,
} from './ingest-answers.ts';
import { noRecords, type RawBatch } from './raw-batch.ts';

export interface StreamOptions {
  readonly inFlightMax: number;
  readonly shutdown: AbortSignal;
  readonly onRefused: OnRefused;
}

/** A batch of a stream: encoded, or why it is refused. */
export interface PreparedBatch {
  readonly batchId: string;
  readonly batch: EncodedBatch | ServiceError;
}

/** How a message becomes a batch; throws a `ServiceError` where it can't be read. */
export type ReadBatch<Message> = (message: Message, rowsMax: number) => RawBatch;

/** The methods of IngestService, whatever protocol their messages came by. */
export class IngestHandlers {
  readonly #ingest: Ingest;
  readonly #options: StreamOptions;

  constructor(ingest: Ingest, options: StreamOptions) {
    this.#ingest = ingest;
    this.#options = options;
  }

  /** Of a batch. */
  get rowsMax(): number {
    return this.#ingest.rowsMax;
  }

  /** A single record, whose rejection is an error; gives its answer in the form that `tell` gives it. */
  log<T>(
    call: WholeCall,
    kind: RecordKind,
    record: RawBatch,
    tell: (response: RecordResponse) => T,
  ): Promise<T> {
    return this.#ingest.record(call, kind, record, (stored) => tell(recordResponse(stored, kind)));
  }

  /** `bytes`: of a message whose reading is most of what it costs. */
  async logBatch<Message>(
    call: WholeCall,
    message: Message,
    read: ReadBatch<Message>,
    bytes = 0,
  ): Promise<MessageInitShape<typeof LogBatchResponseSchema>> {
    const refused = refuseUnread(call, bytes);
    if (refused) throw refused;
    const batch = this.#read(call, message, read, bytes);
    const named = identified(batch, call.parameter('batch_id'));
    return batchResponse(await this.#ingest.batch(call, restored(call, named)));
  }

  /** Batches and their acknowledgements come in lists, of what was sent and stored together. */
  streamBatches(call: Call, batches: AsyncIterable<readonly PreparedBatch[]>) {
    const handle = ({ batchId, batch }: PreparedBatch, sequence: number) => {
      const refuse = refusal(sequence, batchId, this.#options.onRefused);
      const admitted = ({ stored }: AdmittedBatch) => ({
        ack: stored.then(acknowledgement(sequence), refuse),
      });
      const refused = (error: unknown) => ({ ack: Promise.resolve(refuse(error)) });
      try {
        if (batch instanceof ServiceError) throw batch;
        const known = this.#ingest.admit(call, batch);
        return known instanceof Promise ? known.then(admitted).catch(refused) : admitted(known);
      } catch (error) {
        return refused(error);
      }
    };
    return acknowledgeInOrder(batches, handle, { ...this.#options, signal: call.signal });
  }

  async streamEvents(call: Call, batches: AsyncIterable<readonly PreparedBatch[]>) {
    const admitted = ({ stored }: AdmittedBatch) => ({ ack: stored });
    const handle = ({ batch }: PreparedBatch) => {
      if (batch instanceof ServiceError) throw batch;
      const known = this.#ingest.admit(call, batch);
      return known instanceof Promise ? known.then(admitted) : admitted(known);
    };
    const summary = new StreamSummary();
    const acks = acknowledgeInOrder(batches, handle, { ...this.#options, signal: call.signal });
    for await (const together of acks) for (const stored of together) summary.add(stored);
    return summary.response();
  }

  /** `textOf`: of messages whose reading is most of what they cost. */
  async *prepared<Message>(
    call: Call,
    messages: AsyncIterable<Message>,
    read: ReadBatch<Message>,
    textOf: (message: Message) => string = () => '',
  ): AsyncGenerator<readonly PreparedBatch[]> {
    for await (const message of messages)
      yield [this.prepare(call, message, read, textOf(message))];
  }

  /** Reads and encodes a batch; throws a `ServiceError` where it can't be read. */
  prepare<Message>(
    call: Call,
    message: Message,
    read: ReadBatch<Message>,
    text = '',
  ): PreparedBatch {
    const refused = refuseUnread(call, text.length);
    if (refused) return { batchId: leadingId(text), batch: refused };
    const raw = this.#read(call, message, read, text.length);
    try {
      return { batchId: raw.batchId, batch: this.#ingest.encode(call, raw, 'batch_id') };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return { batchId: raw.batchId, batch: error };
    }
  }

  #read<Message>(
    { caller }: WholeCall,
    message: Message,
    read: ReadBatch<Message>,
    bytes: number,
  ): RawBatch {
    const batch = read(message, this.rowsMax);
    if (bytes > 0) caller.allowance.noteRead(batch.events.length + batch.usage.length, bytes);
    return batch;
  }
}

const refuseUnread = ({ caller }: WholeCall, bytes: number): ServiceError | undefined =>
  bytes > 0 ? caller.allowance.refuseUnread(bytes) : undefined;

/** The id that a batch of JSON begins with, where it does: the rest of it is not looked at. */
const leadingId = (text: string): string =>
  /^\s*\{\s*"batch(?:_i|I)d"\s*:\s*"([\da-f-]{36})"/i.exec(text)?.[1] ?? '';

/** Lists and lines have no place for an id: it may be in the address. */
function identified(batch: RawBatch, batchId: string | undefined): RawBatch {
  if (!batchId) return batch;
  if (batch.batchId === '') return { ...batch, batchId };
  throw new ServiceError('invalid', 'batch_id is given twice', { field: 'batch_id' });
}

/** What was exported may be stored again as it was, by whoever may do anything. */
function restored(call: Pick<WholeCall, 'parameter' | 'caller'>, batch: RawBatch): RawBatch {
  const restore = call.parameter('restore') ?? 'false';
  if (restore === 'false') return batch;
  if (restore !== 'true') {
    const reason = `restore is ${JSON.stringify(restore)}, not true or false`;
    throw new ServiceError('invalid', reason, { field: 'restore' });
  }
  const { name, scopes } = call.caller;
  if (scopes.has('admin')) return { ...batch, isRestored: true };
  throw new ServiceError('forbidden', `the key ${name} has no scope admin, which restoring needs`);
}

export function eventOf({ idempotencyKey, $typeName: _, ...fields }: LogRequest): RawBatch {
  return { batchId: idempotencyKey, events: [create(EventSchema, fields)], usage: noRecords };
}

export function usageOf({ idempotencyKey, $typeName: _, ...fields }: LogUsageRequest): RawBatch {
  return { batchId: idempotencyKey, events: noRecords, usage: [create(UsageSchema, fields)] };
}
