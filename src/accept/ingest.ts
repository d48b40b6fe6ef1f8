import {
  type Acknowledgement,
  type Answer,
  batchBytes,
  batchRows,
  type Rejection,
} from '../buffer/batch.ts';
import type { Admitted, BatchSink } from '../buffer/ingest-buffer.ts';
import { conflict, ServiceError } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import type { Clock } from '../observe/clock.ts';
import { idOfRow } from '../records/rows.ts';
import type { RecordKind } from '../records/tables.ts';
import type { Call } from '../serve/call.ts';
import type { WholeCall } from '../serve/plain-call.ts';
import { Deadline } from './deadline.ts';
import { judge } from './doubted-clock.ts';
import { BatchEncoder, type EncodedBatch, type EncodeOptions } from './encode-batch.ts';
import { checkRows, type RawBatch } from './raw-batch.ts';

export interface IngestOptions extends EncodeOptions {
  /** Records in one batch. */
  readonly batchRowsMax: number;
  /** A unary caller has its answer within so many milliseconds. */
  readonly unaryMsMax: number;
  /** Unary batches up to so many records travel in the unary lane, larger ones with the streams. */
  readonly unaryRowsMax: number;
}

/** What became of one batch, with the id it has, given or minted. */
export interface StoredBatch extends Acknowledgement {
  readonly batchId: string;
}

export interface AdmittedBatch {
  readonly stored: Promise<StoredBatch>;
}

/** The same of a single record. */
export interface StoredRecord extends Acknowledgement {
  /** The id of the stored row. */
  readonly recordId: string;
}

/** What callers know the id of a single record as. */
const idField = 'idempotency_key';

/** From decoded batches to durable ones, the same for every protocol. Throws `ServiceError`. */
export class Ingest {
  readonly #sink: BatchSink;
  readonly #options: IngestOptions;
  readonly #accounting: Accounting;
  readonly #clock: Clock;
  readonly #encoder: BatchEncoder;

  constructor(sink: BatchSink, options: IngestOptions, accounting: Accounting, clock: Clock) {
    this.#sink = sink;
    this.#options = options;
    this.#encoder = new BatchEncoder(options);
    this.#accounting = accounting;
    this.#clock = clock;
  }

  /** Records that a batch may have. */
  get rowsMax(): number {
    return this.#options.batchRowsMax;
  }

  /** A batch of one record, whose rejection is an error; `tell`: what its caller is told of it. */
  record<T>(
    call: WholeCall,
    kind: RecordKind,
    incoming: RawBatch,
    tell: (stored: StoredRecord) => T,
  ): Promise<T> {
    return this.#storeNow(call, incoming, idField, (known, { rows }) => {
      const { durability, duplicate, answer } = known;
      const rejection = answer.rejections[0];
      if (rejection) throw rejected(rejection);
      return tell({ durability, duplicate, answer, recordId: idOfRow(rows[kind].copy) });
    });
  }

  /** A batch whose caller waits for the answer. */
  batch(call: WholeCall, incoming: RawBatch): Promise<StoredBatch> {
    return this.#storeNow(call, incoming, 'batch_id', (known, { id }) => ({
      ...known,
      batchId: id,
    }));
  }

  /**
   * A batch of a stream: at once or when there is room for it, so that a stream is read no faster
   * than what it sends is stored, with the promise of what becomes of it.
   */
  admit(call: Call, batch: EncodedBatch): AdmittedBatch | Promise<AdmittedBatch> {
    if (isForgettable(batch)) return { stored: Promise.resolve(this.#forget(batch)) };
    const release = holdShare(call, batch);
    const failed = (error: unknown) => {
      release();
      throw error;
    };
    const stored = (known: Acknowledgement): StoredBatch => {
      release();
      return { ...known, batchId: batch.id };
    };
    const admitted = ({ acknowledged }: Admitted): AdmittedBatch => ({
      stored: acknowledged.then(stored, failed),
    });
    const now = this.#sink.admitNow(batch);
    return now ? admitted(now) : this.#sink.admit(batch, call.signal).then(admitted, failed);
  }

  /** Throws a `ServiceError` for a batch as a whole. `idField`: what the caller knows its id as. */
  encode({ caller }: WholeCall, incoming: RawBatch, idField: string): EncodedBatch {
    checkRows(incoming, this.#options.batchRowsMax);
    // Before it is encoded, which is most of what a batch costs.
    const refusal = caller.allowance.takeRecords(incoming.events.length + incoming.usage.length);
    if (refusal) throw refusal;
    const encodeAt = (nowMs: number) => this.#encoder.encode(incoming, idField, nowMs);
    const batch = judge(encodeAt, this.#clock);
    if (incoming.usage.length > 0) this.#accounting.priced(batch.costs);
    if (batch.stringsChanged > 0) this.#accounting.madeStorable(batch.stringsChanged);
    return batch;
  }

  /** `idField`: what the caller knows its id as; `tell`: what he is told of what became of it. */
  async #storeNow<T>(
    call: WholeCall,
    incoming: RawBatch,
    idField: string,
    tell: (known: Acknowledgement, batch: EncodedBatch) => T,
  ): Promise<T> {
    const batch = this.encode(call, incoming, idField);
    if (isForgettable(batch)) return tell(this.#forget(batch), batch);
    const { unaryMsMax, unaryRowsMax } = this.#options;
    const lane = batchRows(batch) <= unaryRowsMax ? 'unary' : 'stream';
    const release = holdShare(call, batch);
    const deadline = new Deadline(call.remainingMs(unaryMsMax));
    try {
      return tell(await this.#sink.offer(batch, lane, deadline), batch);
    } catch (error) {
      const isConflict = error instanceof ServiceError && error.kind === 'conflict';
      throw isConflict ? conflict(batch.id, idField) : error;
    } finally {
      deadline.clear();
      release();
    }
  }

  #forget(batch: EncodedBatch): StoredBatch {
    this.#accounting.received(batch.answer);
    this.#accounting.settled(batch.answer, { kind: 'stored' });
    return { durability: 'committed', duplicate: false, answer: batch.answer, batchId: batch.id };
  }
}

/** The caller's part of the buffer, until it is given back; throws a `ServiceError` where it is full. */
function holdShare({ caller: { allowance } }: WholeCall, batch: EncodedBatch): () => void {
  const bytes = batchBytes(batch);
  const refusal = allowance.hold(bytes);
  if (refusal) throw refusal;
  return () => allowance.release(bytes);
}

/** Of a record that is all that was sent. */
const rejected = ({ field, reason }: Rejection): ServiceError =>
  new ServiceError('invalid', `${field} ${reason}`.trim(), { field });

/** Nothing to store, and no id by which anybody could ask again. */
function isForgettable(batch: EncodedBatch): boolean {
  return !batch.idGiven && batchRows(batch) === 0;
}

export const rejectedTotal = ({ rejected }: Answer): number => rejected.event + rejected.usage;
