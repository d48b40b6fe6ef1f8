import { ServiceError } from '../errors.ts';
import { fieldNames, keySlotOf, singleNames } from '../records/json/field-names.ts';
import { type FoundRecord, FoundRecords, fieldNumbers } from '../records/json/found-records.ts';
import { Names } from '../records/json/names.ts';
import { JsonFault, JsonScanner } from '../records/json/scanner.ts';
import { readText } from '../records/json/text.ts';
import { checkUtf8 } from '../records/json/utf8.ts';
import { FieldFault } from '../records/limits.ts';
import type { RecordKind } from '../records/tables.ts';
import { JsonRecords } from './json-records.ts';
import { noRecords, type RawBatch, type RawRecord } from './raw-batch.ts';

const quote = 0x22;
const openBracket = 0x5b;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const newline = 0x0a;
const letterN = 0x6e;
const byteOrderMark = [...Buffer.from('\uFEFF')];

/** The fields of a document, by either spelling. */
const [idSlot, eventsSlot] = [0, 1];
const batchFields = ['batch_id', 'events', 'usage'];
const batchNames = new Names(
  new Map([...batchFields.entries()].map(([slot, name]) => [name, slot])).set('batchId', idSlot),
);
const keyField = 'idempotency_key';

export interface JsonBatchOptions {
  /** Records beyond so many are counted, and not kept. */
  readonly rowsMax: number;
  /** Whether it may have neither events nor usage: ProtoJSON leaves out empty lists. */
  readonly mayBeEmpty: boolean;
}

/**
 * Finds the records of a batch in a document of JSON: an object with `events`, `usage` and
 * `batch_id`, or a bare list of events. Throws a `ServiceError` of kind `invalid` for what is no
 * JSON, which says where, and for what concerns the batch as a whole.
 */
export function readJsonBatch(bytes: Uint8Array, options: JsonBatchOptions): RawBatch {
  return whole<RawBatch>(bytes, (scanner, at) => {
    if (scanner.bytes[at] === openBrace) return readBatch(scanner, at, options);
    const events = new JsonRecords(scanner, options.rowsMax, fieldNames.event);
    const isList = scanner.bytes[at] === openBracket;
    scanner.finish(isList ? events.read(at) : scanner.value(at));
    if (!isList) throw invalid('', 'the message is neither a JSON object nor a list');
    return { form: 'json', batchId: '', events, usage: noRecords };
  });
}

/** Reads a single record as a batch whose id is its idempotency key; throws as `readJsonBatch`. */
export function readJsonRecord(bytes: Uint8Array, kind: RecordKind): RawBatch {
  return whole(bytes, (scanner, at) => {
    const found = new FoundRecords(scanner, singleNames[kind]);
    scanner.finish(found.add(at));
    if (scanner.bytes[at] !== openBrace) throw notAnObject();
    const record = [found.at(0) as FoundRecord];
    const [events, usage] = kind === 'event' ? [record, noRecords] : [noRecords, record];
    return { form: 'json', batchId: keyOf(scanner, record[0] as FoundRecord, kind), events, usage };
  });
}

/** Empty where there is none. */
function keyOf(scanner: JsonScanner, record: FoundRecord, kind: RecordKind): string {
  const { json, fields, fieldsAt, fieldsEnd } = record;
  let key: string | undefined;
  for (let index = fieldsAt; index < fieldsEnd; index += fieldNumbers) {
    if ((fields[index] as number) >> 1 !== keySlotOf(kind)) continue;
    if (key !== undefined) throw invalid(keyField, `${keyField} is given twice`);
    const valueAt = fields[index + 2] as number;
    const isGiven = json[valueAt] !== letterN;
    key = isGiven ? textOf(scanner, valueAt, endOfText(scanner, valueAt, keyField)) : '';
  }
  return key ?? '';
}

/**
 * Finds the events of newline-delimited JSON, one a line; lines of nothing but space are passed
 * over. A line that is no JSON is that record's fault.
 */
export function readNdjson(bytes: Uint8Array, rowsMax: number): RawBatch {
  const buffer = toBuffer(bytes);
  const scanner = new JsonScanner(buffer);
  const found = new FoundRecords(scanner, fieldNames.event);
  const events: RawRecord[] = [];
  let count = 0;
  for (let at = startOf(buffer), end = 0; at < buffer.length; at = end + 1) {
    end = buffer.indexOf(newline, at);
    if (end < 0) end = buffer.length;
    scanner.confine(at, end);
    const valueAt = scanner.space(at);
    if (valueAt === end) continue;
    count += 1;
    if (count <= rowsMax) events.push(readLine(found, scanner, buffer.subarray(at, end), valueAt));
  }
  const counted = { length: count, at: (index: number) => events[index] };
  return { form: 'json', batchId: '', events: counted, usage: noRecords };
}

function readLine(
  found: FoundRecords,
  scanner: JsonScanner,
  line: Buffer,
  valueAt: number,
): RawRecord {
  try {
    checkUtf8(line);
    scanner.finish(found.add(valueAt));
    return found.at(found.length - 1) as FoundRecord;
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault;
    return new FieldFault('', fault.message);
  }
}

function readBatch(scanner: JsonScanner, at: number, options: JsonBatchOptions): RawBatch {
  const events = new JsonRecords(scanner, options.rowsMax, fieldNames.event);
  const usage = new JsonRecords(scanner, options.rowsMax, fieldNames.usage);
  let batchId = '';
  let hasRecords = false;
  const { end, hasUnknown } = eachField(scanner, at, batchNames, batchFields, (slot, valueAt) => {
    const field = batchFields[slot] as string;
    if (slot === idSlot) {
      const textEnd = endOfText(scanner, valueAt, field);
      batchId = textOf(scanner, valueAt, textEnd);
      return textEnd;
    }
    hasRecords = true;
    if (scanner.bytes[valueAt] !== openBracket) throw invalid(field, `${field} is not a list`);
    return (slot === eventsSlot ? events : usage).read(valueAt);
  });
  scanner.finish(end);
  if (!hasRecords && (hasUnknown || !options.mayBeEmpty)) {
    throw invalid('events', 'the batch has neither events nor usage: nothing is there to store');
  }
  return { form: 'json', batchId, events, usage };
}

/**
 * Walks through the object at a position. `read` is given the fields of these names that are not
 * null, with where the value begins, and returns where it ends.
 */
function eachField(
  scanner: JsonScanner,
  at: number,
  names: Names,
  fields: readonly string[],
  read: (slot: number, valueAt: number) => number,
): { readonly end: number; readonly hasUnknown: boolean } {
  const { bytes } = scanner;
  if (bytes[at] !== openBrace) {
    scanner.finish(scanner.value(at));
    throw notAnObject();
  }
  const met = fields.map(() => false);
  let hasUnknown = false;
  for (at = scanner.first(at, closeBrace); at >= 0; ) {
    const keyEnd = scanner.name(at);
    const slot = scanner.escaped
      ? names.get(textOf(scanner, at, keyEnd))
      : names.find(bytes, at + 1, keyEnd - 1);
    const valueAt = scanner.keyed(keyEnd);
    const field = fields[slot];
    if (field === undefined) hasUnknown = true;
    else if (met[slot]) throw invalid(field, `${field} is given twice`);
    met[slot] = true;
    const isTaken = field !== undefined && bytes[valueAt] !== letterN;
    const end = isTaken ? read(slot, valueAt) : scanner.value(valueAt);
    at = scanner.next(end, closeBrace);
  }
  return { end: ~at + 1, hasUnknown };
}

/** Reads a document from its start. */
function whole<T>(bytes: Uint8Array, read: (scanner: JsonScanner, at: number) => T): T {
  try {
    const buffer = toBuffer(bytes);
    checkUtf8(buffer);
    const scanner = new JsonScanner(buffer);
    return read(scanner, scanner.space(startOf(buffer)));
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault;
    throw new ServiceError('invalid', `the message ${fault.message}`);
  }
}

function endOfText(scanner: JsonScanner, at: number, field: string): number {
  if (scanner.bytes[at] !== quote) throw invalid(field, `${field} is not a string`);
  return scanner.string(at);
}

const textOf = ({ bytes, escaped }: JsonScanner, at: number, end: number): string =>
  readText(bytes, at, end, escaped);

/** As decoders of UTF-8 do, past a mark of byte order. */
const startOf = (buffer: Buffer): number =>
  byteOrderMark.every((byte, at) => buffer[at] === byte) ? byteOrderMark.length : 0;

const toBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const notAnObject = () => invalid('', 'the message is not a JSON object');

const invalid = (field: string, message: string) => new ServiceError('invalid', message, { field });
