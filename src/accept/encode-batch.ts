import { uuidv7 } from 'uuidv7';
import {
  type Answer,
  type Batch,
  type EncodedRows,
  type Rejection,
  rejectionsMax,
} from '../buffer/batch.ts';
import { ServiceError } from '../errors.ts';
import type { RecordKind } from '../event-types.ts';
import { isUuidV7, RecordIds, uuidBytes, uuidV7TimeMs } from '../uuid.ts';
import type { DecodedBatch } from './decode.ts';
import { ByteWriter } from './encode/byte-writer.ts';
import { Fingerprint } from './encode/fingerprint.ts';
import { type RowStart, rowBytesGuess, writeEventRow, writeUsageRow } from './encode/records.ts';
import { StorableText } from './encode/storable.ts';
import { FieldFault, type TimeWindow, Validator } from './encode/validate.ts';

export interface EncodeOptions {
  readonly eventTime: TimeWindow;
  readonly batchIdTime: TimeWindow;
}

export interface EncodedBatch extends Batch {
  /** Whether the caller gave the id, and may come back with it. */
  readonly idGiven: boolean;
  /** Strings that were changed to be storable. */
  readonly stringsChanged: number;
}

/** Of a field's name or a reason in a rejection. */
const textCharactersMax = 300;

/**
 * Validates a batch and encodes its valid records as rows. Throws a `ServiceError` of kind
 * `invalid` only for what concerns the batch as a whole: its id, named `idField`.
 */
export function encodeBatch(
  decoded: DecodedBatch,
  options: EncodeOptions,
  idField = 'batch_id',
  nowMs = Date.now(),
): EncodedBatch {
  const id = batchId(decoded.batchId, options.batchIdTime, idField, nowMs);
  const encoder = new RecordEncoder(id, nowMs * 1000);
  const validator = new Validator(options.eventTime, nowMs);
  const fingerprint = new Fingerprint();
  const event = encoder.encode('event', decoded.events, fingerprint, (writer, record, start) => {
    fingerprint.event(record);
    const valid = validator.event(record);
    writeEventRow(writer, start(valid), valid);
  });
  const usage = encoder.encode('usage', decoded.usage, fingerprint, (writer, record, start) => {
    fingerprint.usage(record);
    const valid = validator.usage(record);
    writeUsageRow(writer, start(valid), valid);
  });
  return {
    id,
    idGiven: decoded.batchId !== '',
    fingerprint: fingerprint.digest(),
    event,
    usage,
    answer: encoder.answer(event.rows, usage.rows),
    stringsChanged: validator.storable.changed,
  };
}

/** Writes a valid record as a row; throws a `FieldFault` before it has written anything. */
type WriteRow<R> = (
  writer: ByteWriter,
  record: R,
  start: (valid: { readonly id: string; readonly timestampUs: number | undefined }) => RowStart,
) => void;

/** Encodes lists of records of one batch, and collects what is rejected. */
class RecordEncoder {
  readonly #batchId: string;
  readonly #observedAtUs: number;
  readonly #rejections: Rejection[] = [];
  readonly #rejected: Record<RecordKind, number> = { event: 0, usage: 0 };

  constructor(batchId: string, observedAtUs: number) {
    this.#batchId = batchId;
    this.#observedAtUs = observedAtUs;
  }

  encode<R>(
    kind: RecordKind,
    records: readonly (R | FieldFault)[],
    fingerprint: Fingerprint,
    writeRow: WriteRow<R>,
  ): EncodedRows {
    const writer = new ByteWriter(records.length * rowBytesGuess[kind]);
    const ids = new RecordIds(this.#batchId, kind);
    const observedAtUs = this.#observedAtUs;
    records.forEach((record, index) => {
      try {
        if (record instanceof FieldFault) {
          fingerprint.malformed();
          throw record;
        }
        writeRow(writer, record, ({ id, timestampUs }) => ({
          id: id === '' ? ids.at(index) : uuidBytes(id),
          timestampUs: timestampUs ?? observedAtUs,
          observedAtUs,
        }));
      } catch (error) {
        this.#reject(kind, index, error);
      }
    });
    return { rows: records.length - this.#rejected[kind], copy: writer.bytes() };
  }

  answer(events: number, usage: number): Answer {
    return {
      stored: { event: events, usage },
      rejected: this.#rejected,
      rejections: this.#rejections,
    };
  }

  #reject(kind: RecordKind, index: number, error: unknown): void {
    if (!(error instanceof FieldFault)) throw error;
    this.#rejected[kind] += 1;
    if (this.#rejections.length === rejectionsMax) return;
    const [field, reason] = [showable(error.field), showable(error.message)];
    this.#rejections.push({ kind, index, field, reason });
  }
}

/** Records of a batch, decoded or not. */
export interface RawRecords {
  readonly events: readonly unknown[];
  readonly usage: readonly unknown[];
}

/** Throws a `ServiceError` of kind `invalid` for a batch of more than `rowsMax` records. */
export function checkRows({ events, usage }: RawRecords, rowsMax: number): void {
  const rows = events.length + usage.length;
  if (rows <= rowsMax) return;
  const text = `the batch has ${rows} records; at most ${rowsMax} are allowed: send several batches`;
  throw new ServiceError('invalid', text, { field: 'events' });
}

/** Parsers quote what they refuse: the answer is stored too, and has to be storable and short. */
function showable(text: string): string {
  const short = text.length > textCharactersMax ? `${text.slice(0, textCharactersMax)}…` : text;
  return new StorableText().text(short);
}

/** The caller's id in canonical form, or a new one: our own retries need one too. */
function batchId(given: string, window: TimeWindow, field: string, nowMs: number): string {
  if (given === '') return uuidv7();
  const invalid = (reason: string) => new ServiceError('invalid', `${field} ${reason}`, { field });
  if (!isUuidV7(given)) throw invalid('is not a UUIDv7');
  const timeMs = uuidV7TimeMs(given);
  if (timeMs < nowMs - window.ageMsMax) {
    throw invalid(
      `is older than ${window.ageMsMax / 86_400_000} days: a repetition can no longer be told`,
    );
  }
  if (timeMs > nowMs + window.aheadMsMax) {
    throw invalid(
      `is more than ${window.aheadMsMax / 60_000} minutes ahead of the collector's clock`,
    );
  }
  return given.toLowerCase();
}
