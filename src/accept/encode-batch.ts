import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import {
  type Answer,
  type Batch,
  type EncodedRows,
  type Rejection,
  rejectionsMax,
} from '../buffer/batch.ts';
import { ServiceError } from '../errors.ts';
import { ByteWriter } from '../records/byte-writer.ts';
import { Fingerprint } from '../records/fingerprint.ts';
import { rowStart, writeEventRow, writeUsageRow } from '../records/rows.ts';
import { StorableText } from '../records/storable.ts';
import type { RecordKind } from '../records/tables.ts';
import { FieldFault, type TimeWindow, Validator } from '../records/validate.ts';
import { WireEvents } from '../records/wire/wire-event.ts';
import { dayMs, minuteMs } from '../units.ts';
import { isUuidV7, newUuidV7, RecordIds, uuidV7TimeMs } from '../uuid.ts';
import { decodeBinary, type Incoming, type IncomingBatch } from './decode.ts';

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

/** Memory that one batch after the other is encoded in. */
export class Scratch {
  readonly rows = new ByteWriter();
  /** What the fingerprint is taken of. */
  readonly content = new ByteWriter();
}

/**
 * Validates a batch and encodes its valid records as rows. Throws a `ServiceError` of kind
 * `invalid` only for what concerns the batch as a whole: its id, named `idField`.
 */
export function encodeBatch(
  incoming: IncomingBatch,
  options: EncodeOptions,
  idField = 'batch_id',
  nowMs = Date.now(),
  scratch = new Scratch(),
): EncodedBatch {
  const id = batchId(incoming.batchId, options.batchIdTime, idField, nowMs);
  const observedAtUs = nowMs * 1000;
  const encoder = new RecordEncoder(id, scratch.rows);
  const validator = new Validator(options.eventTime, nowMs);
  const fingerprint = new Fingerprint(scratch.content);
  const wire = new WireEvents(scratch.rows, scratch.content, options.eventTime, nowMs);
  const event = encoder.encode('event', incoming.events, (record, rowId) => {
    if (record instanceof Uint8Array && wire.write(record, rowId)) return;
    const decoded = decode(EventSchema, record, fingerprint);
    fingerprint.event(decoded);
    const valid = validator.event(decoded);
    writeEventRow(scratch.rows, rowStart(valid, rowId, observedAtUs), valid);
  });
  const usage = encoder.encode('usage', incoming.usage, (record, rowId) => {
    const decoded = decode(UsageSchema, record, fingerprint);
    fingerprint.usage(decoded);
    const valid = validator.usage(decoded);
    writeUsageRow(scratch.rows, rowStart(valid, rowId, observedAtUs), valid);
  });
  return {
    id,
    idGiven: incoming.batchId !== '',
    fingerprint: fingerprint.digest(),
    rows: { event, usage },
    answer: encoder.answer(event.count, usage.count),
    stringsChanged: validator.storable.changed,
  };
}

/** Writes a valid record as a row; throws a `FieldFault` before it has written anything. */
type WriteRecord<R> = (record: Incoming<R>, rowId: Uint8Array) => void;

/** Encodes lists of records of one batch, and collects what is rejected. */
class RecordEncoder {
  readonly #batchId: string;
  readonly #rows: ByteWriter;
  readonly #rejections: Rejection[] = [];
  readonly #rejected: Record<RecordKind, number> = { event: 0, usage: 0 };

  constructor(batchId: string, rows: ByteWriter) {
    this.#batchId = batchId;
    this.#rows = rows;
  }

  encode<R>(kind: RecordKind, records: readonly Incoming<R>[], write: WriteRecord<R>): EncodedRows {
    if (records.length === 0) return { count: 0, copy: new Uint8Array() };
    this.#rows.restart();
    const ids = new RecordIds(this.#batchId, kind);
    for (const [index, record] of records.entries()) {
      try {
        write(record, ids.at(index));
      } catch (error) {
        this.#reject(kind, index, error);
      }
    }
    return { count: records.length - this.#rejected[kind], copy: this.#rows.copy() };
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

function decode<Desc extends DescMessage>(
  schema: Desc,
  record: Incoming<MessageShape<Desc>>,
  fingerprint: Fingerprint,
): MessageShape<Desc> {
  const decoded = record instanceof Uint8Array ? decodeBinary(schema, record) : record;
  if (!(decoded instanceof FieldFault)) return decoded;
  fingerprint.malformed();
  throw decoded;
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
