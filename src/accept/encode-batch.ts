import {
  type Answer,
  type Batch,
  type EncodedRows,
  type Rejection,
  rejectionsMax,
} from '../buffer/batch.ts';
import type { Pricer } from '../prices/pricer.ts';
import type { CostCounts } from '../records/cost-source.ts';
import { Fingerprint } from '../records/fingerprint.ts';
import { JoinedIds } from '../records/joined-ids.ts';
import { FieldFault } from '../records/limits.ts';
import type { RecordValues } from '../records/record-values.ts';
import { RowWriter } from '../records/rows.ts';
import { StorableText } from '../records/storable.ts';
import type { RecordKind } from '../records/tables.ts';
import { type TimeWindow, Validator } from '../records/validate.ts';
import { WireEvents } from '../records/wire/wire-event.ts';
import { newUuidV7Bytes, RecordIds, uuidBytes, uuidText } from '../uuid.ts';
import { checkBatchId } from './batch-id.ts';
import type { RawBatch, RawRecord, RecordList } from './raw-batch.ts';
import { RecordCosts } from './record-costs.ts';
import { Scratch } from './scratch.ts';

export interface EncodeOptions {
  readonly eventTime: TimeWindow;
  readonly batchIdTime: TimeWindow;
  /** Says what calls cost whose clients do not. */
  readonly pricer?: Pricer;
}

export interface EncodedBatch extends Batch {
  /** Whether the caller gave the id, and may come back with it. */
  readonly idGiven: boolean;
  /** Strings that were changed to be storable. */
  readonly stringsChanged: number;
  /** What became of the costs of its usage records. */
  readonly costs: CostCounts;
}

/** Of a field's name or a reason in a rejection. */
const textCharactersMax = 300;

/** What a batch has that has none of them. */
const noRows: EncodedRows = { count: 0, copy: new Uint8Array() };
const noneRejected: Answer['rejected'] = { event: 0, usage: 0 };
const noRejections: readonly Rejection[] = [];

/** Validates batches and encodes their valid records as rows, in memory that is used again. */
export class BatchEncoder {
  readonly #options: EncodeOptions;
  /** For records that were stored before: they may be of any age. */
  readonly #anyAge: TimeWindow;
  readonly #scratch = new Scratch();
  readonly #validator: Validator;
  readonly #fingerprint: Fingerprint;
  readonly #rows: RowWriter;
  readonly #wire: WireEvents;
  readonly #costs: RecordCosts;
  #form: RawBatch['form'];
  #rejected: Record<RecordKind, number> | undefined;
  #rejections: Rejection[] | undefined;
  /** Of the batch before: what is sent again and again is answered alike. */
  #answer: Answer = { stored: noneRejected, rejected: noneRejected, rejections: noRejections };

  constructor(options: EncodeOptions) {
    const { eventTime, pricer } = options;
    const { rows, content } = this.#scratch;
    this.#options = options;
    this.#anyAge = { ...eventTime, ageMsMax: Number.POSITIVE_INFINITY };
    this.#validator = new Validator(eventTime, 0);
    this.#fingerprint = new Fingerprint(content);
    this.#rows = new RowWriter(rows, 0);
    this.#wire = new WireEvents(rows, content, eventTime, 0);
    this.#costs = new RecordCosts(pricer);
  }

  /**
   * Throws a `ServiceError` of kind `invalid` only for what concerns the batch as a whole: its id,
   * named `idField`.
   */
  encode(incoming: RawBatch, idField: string, nowMs: number): EncodedBatch {
    const { batchId: given, form = 'protobuf', isRestored = false } = incoming;
    const idGiven = given !== '';
    if (idGiven) checkBatchId(given, this.#options.batchIdTime, idField, nowMs);
    // Our own retries need one too.
    const id = idGiven ? uuidBytes(given) : newUuidV7Bytes();
    this.#begin(form, isRestored, nowMs);
    const event = this.#records('event', incoming.events, id, idGiven);
    const usage = this.#records('usage', incoming.usage, id, idGiven);
    return {
      id: uuidText(id),
      idGiven,
      fingerprint: this.#fingerprint.digest(),
      rows: { event, usage },
      answer: this.#answerTo(event.count, usage.count),
      stringsChanged: this.#takeChanged(),
      costs: this.#costs.counts,
    };
  }

  #begin(form: RawBatch['form'], isRestored: boolean, nowMs: number): void {
    const eventTime = isRestored ? this.#anyAge : this.#options.eventTime;
    this.#form = form;
    this.#rejected = this.#rejections = undefined;
    this.#fingerprint.restart();
    this.#validator.begin(eventTime, nowMs, isRestored);
    this.#rows.observedAtUs = nowMs * 1000;
    this.#wire.begin(eventTime, nowMs);
    this.#costs.begin(nowMs);
    // Of a batch that was refused halfway.
    this.#takeChanged();
  }

  #records(kind: RecordKind, records: RecordList, id: Buffer, idGiven: boolean): EncodedRows {
    if (records.length === 0) return noRows;
    const { rows } = this.#scratch;
    rows.restart();
    const ids = idsFor(kind, records.length, id, idGiven);
    for (let index = 0; index < records.length; index++) {
      const rowStart = rows.length;
      try {
        this.#write(kind, records.at(index) as RawRecord, ids.at(index));
      } catch (error) {
        rows.length = rowStart;
        this.#reject(kind, index, error);
      }
    }
    return { count: records.length - (this.#rejected?.[kind] ?? 0), copy: rows.copy() };
  }

  #takeChanged(): number {
    const [texts, { metadata }] = [this.#validator.storable, this.#rows];
    const changed = texts.changed + metadata.changed + this.#scratch.takeChanged();
    texts.changed = metadata.changed = 0;
    return changed;
  }

  #answerTo(event: number, usage: number): Answer {
    const { stored, rejected } = this.#answer;
    const isAlike = stored.event === event && stored.usage === usage && rejected === noneRejected;
    if (!this.#rejected && isAlike) return this.#answer;
    this.#answer = {
      stored: { event, usage },
      rejected: this.#rejected ?? noneRejected,
      rejections: this.#rejections ?? noRejections,
    };
    return this.#answer;
  }

  /** Writes a valid record as a row; throws a `FieldFault`, with part of the row written. */
  #write(kind: RecordKind, raw: RawRecord, rowId: Uint8Array): void {
    const isWire = kind === 'event' && this.#form === 'protobuf' && raw instanceof Uint8Array;
    if (isWire && this.#wire.write(raw, rowId)) return;
    const record = this.#read(kind, raw);
    this.#fingerprint.record(record);
    this.#validator.check(record);
    if (kind === 'usage') this.#costs.complete(record);
    this.#rows.write(record, rowId);
  }

  #read(kind: RecordKind, raw: RawRecord): RecordValues {
    try {
      return this.#scratch.read(kind, raw, this.#form);
    } catch (fault) {
      if (fault instanceof FieldFault) this.#fingerprint.malformed();
      throw fault;
    }
  }

  #reject(kind: RecordKind, index: number, error: unknown): void {
    if (!(error instanceof FieldFault)) throw error;
    this.#rejected ??= { event: 0, usage: 0 };
    this.#rejections ??= [];
    this.#rejected[kind] += 1;
    if (this.#rejections.length === rejectionsMax) return;
    const [field, reason] = [showable(error.field), showable(error.message)];
    this.#rejections.push({ kind, index, field, reason });
  }
}

/** The same of one batch. */
export const encodeBatch = (
  incoming: RawBatch,
  options: EncodeOptions,
  idField = 'batch_id',
  nowMs = Date.now(),
): EncodedBatch => new BatchEncoder(options).encode(incoming, idField, nowMs);

/** A batch that comes again has to get the same ids again, wherever they lie. */
function idsFor(kind: RecordKind, count: number, batchId: Buffer, idGiven: boolean) {
  const isJoined = !idGiven && count <= JoinedIds.recordsMax;
  return new (isJoined ? JoinedIds : RecordIds)(batchId, kind);
}

/** Parsers quote what they refuse: the answer is stored too, and has to be storable and short. */
function showable(text: string): string {
  const short = text.length > textCharactersMax ? `${text.slice(0, textCharactersMax)}…` : text;
  return new StorableText().text(short);
}
