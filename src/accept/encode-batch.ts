import {
  type Answer,
  type Batch,
  type EncodedRows,
  type Rejection,
  rejectionsMax,
} from '../buffer/batch.ts';
import { ServiceError } from '../errors.ts';
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
import { dayMs, minuteMs } from '../units.ts';
import { isUuidV7, newUuidV7, RecordIds, uuidV7TimeMs } from '../uuid.ts';
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

/**
 * Validates a batch and encodes its valid records as rows. Throws a `ServiceError` of kind
 * `invalid` only for what concerns the batch as a whole: its id, named `idField`.
 */
export function encodeBatch(
  incoming: RawBatch,
  options: EncodeOptions,
  idField = 'batch_id',
  nowMs = Date.now(),
  scratch = new Scratch(),
): EncodedBatch {
  const id = batchId(incoming.batchId, options.batchIdTime, idField, nowMs);
  const encoder = new RecordEncoder(id, incoming, options, nowMs, scratch);
  const event = encoder.encode('event', incoming.events);
  const usage = encoder.encode('usage', incoming.usage);
  return {
    id,
    idGiven: incoming.batchId !== '',
    fingerprint: encoder.fingerprint(),
    rows: { event, usage },
    answer: encoder.answer(event.count, usage.count),
    stringsChanged: encoder.stringsChanged(),
    costs: encoder.costs.counts,
  };
}

/** Encodes the records of one batch, list by list, and collects what is rejected. */
class RecordEncoder {
  readonly #batchId: string;
  readonly #idGiven: boolean;
  readonly #form: RawBatch['form'];
  readonly #scratch: Scratch;
  readonly #validator: Validator;
  readonly #fingerprint: Fingerprint;
  readonly #rows: RowWriter;
  readonly #wire: WireEvents;
  readonly costs: RecordCosts;
  readonly #rejections: Rejection[] = [];
  readonly #rejected: Record<RecordKind, number> = { event: 0, usage: 0 };

  constructor(
    batchId: string,
    { batchId: given, form = 'protobuf', isRestored = false }: RawBatch,
    { eventTime: usualTime, pricer }: EncodeOptions,
    nowMs: number,
    scratch: Scratch,
  ) {
    this.#batchId = batchId;
    this.#idGiven = given !== '';
    this.#form = form;
    this.#scratch = scratch;
    const eventTime = isRestored ? { ...usualTime, ageMsMax: Number.POSITIVE_INFINITY } : usualTime;
    this.#validator = new Validator(eventTime, nowMs, isRestored);
    this.#fingerprint = new Fingerprint(scratch.content);
    this.#rows = new RowWriter(scratch.rows, nowMs * 1000);
    this.costs = new RecordCosts(pricer, nowMs);
    this.#wire = new WireEvents(scratch.rows, scratch.content, eventTime, nowMs);
  }

  encode(kind: RecordKind, records: RecordList): EncodedRows {
    const { rows } = this.#scratch;
    if (records.length === 0) return { count: 0, copy: new Uint8Array() };
    rows.restart();
    const ids = this.#idsFor(kind, records.length);
    for (let index = 0; index < records.length; index++) {
      const rowStart = rows.length;
      try {
        this.#write(kind, records.at(index) as RawRecord, ids.at(index));
      } catch (error) {
        rows.length = rowStart;
        this.#reject(kind, index, error);
      }
    }
    return { count: records.length - this.#rejected[kind], copy: rows.copy() };
  }

  /** A batch that comes again has to get the same ids again, wherever they lie. */
  #idsFor(kind: RecordKind, count: number): RecordIds {
    const isJoined = !this.#idGiven && count <= JoinedIds.recordsMax;
    return new (isJoined ? JoinedIds : RecordIds)(this.#batchId, kind);
  }

  fingerprint(): Uint8Array {
    return this.#fingerprint.digest();
  }

  stringsChanged(): number {
    const written = this.#validator.storable.changed + this.#rows.metadata.changed;
    return written + this.#scratch.takeChanged();
  }

  answer(events: number, usage: number): Answer {
    return {
      stored: { event: events, usage },
      rejected: this.#rejected,
      rejections: this.#rejections,
    };
  }

  /** Writes a valid record as a row; throws a `FieldFault`, with part of the row written. */
  #write(kind: RecordKind, raw: RawRecord, rowId: Uint8Array): void {
    const isWire = kind === 'event' && this.#form === 'protobuf' && raw instanceof Uint8Array;
    if (isWire && this.#wire.write(raw, rowId)) return;
    const record = this.#read(kind, raw);
    this.#fingerprint.record(record);
    this.#validator.check(record);
    if (kind === 'usage') this.costs.complete(record);
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
    this.#rejected[kind] += 1;
    if (this.#rejections.length === rejectionsMax) return;
    const [field, reason] = [showable(error.field), showable(error.message)];
    this.#rejections.push({ kind, index, field, reason });
  }
}

/** Parsers quote what they refuse: the answer is stored too, and has to be storable and short. */
function showable(text: string): string {
  const short = text.length > textCharactersMax ? `${text.slice(0, textCharactersMax)}…` : text;
  return new StorableText().text(short);
}

/** The caller's id in canonical form, or a new one: our own retries need one too. */
function batchId(given: string, window: TimeWindow, field: string, nowMs: number): string {
  if (given === '') return newUuidV7();
  const invalid = (reason: string) => new ServiceError('invalid', `${field} ${reason}`, { field });
  if (!isUuidV7(given)) throw invalid('is not a UUIDv7');
  const timeMs = uuidV7TimeMs(given);
  if (timeMs < nowMs - window.ageMsMax) {
    throw invalid(
      `is older than ${window.ageMsMax / dayMs} days: a repetition can no longer be told`,
    );
  }
  if (timeMs > nowMs + window.aheadMsMax) {
    throw invalid(
      `is more than ${window.aheadMsMax / minuteMs} minutes ahead of the collector's clock`,
    );
  }
  return given.toLowerCase();
}
