import type { Field } from '../fields.ts';
import { FieldFault } from '../limits.ts';
import type { FieldValue, RecordValues } from '../record-values.ts';
import { type FoundRecord, fieldNumbers } from './found-records.ts';
import { readText } from './text.ts';
import { TextCache } from './text-cache.ts';
import {
  checkObject,
  checkString,
  integerValue,
  measuredValue,
  numberValue,
  timeValue,
} from './values.ts';
import { endOfString, hasEscape } from './walk.ts';

const openBrace = 0x7b;
const letterN = 0x6e;

/**
 * Reads one record after the other from bytes that are known to be JSON. Names are those of the
 * contract, in either spelling; unknown ones are ignored; null is a field that is not given.
 */
export class JsonRecordReader {
  /** Halves of surrogate pairs that became U+FFFD so far. */
  halves = 0;
  readonly #record: RecordValues;
  /** The slots of former names come after those of the fields, in the same order. */
  readonly #count: number;
  /** By slot, where the value is, and the key before it. */
  readonly #valueAt: Int32Array;
  readonly #valueEnd: Int32Array;
  readonly #keyAt: Int32Array;
  readonly #isPlain: Int32Array;
  readonly #texts = new TextCache();

  /** `record`: what is filled. */
  constructor(record: RecordValues) {
    const slots = 2 * record.fields.length;
    this.#record = record;
    this.#count = record.fields.length;
    this.#valueAt = new Int32Array(slots);
    this.#valueEnd = new Int32Array(slots);
    this.#keyAt = new Int32Array(slots);
    this.#isPlain = new Int32Array(slots);
  }

  /** Throws `FieldFault`, whose field is as the sender spells it. */
  read(found: FoundRecord): void {
    const { fields, values } = this.#record;
    const { json, at } = found;
    this.#record.clear();
    this.#record.json = json;
    if (json[at] !== openBrace) throw new FieldFault('', 'is not a JSON object');
    this.#takeFields(found);
    for (let slot = 0; slot < fields.length; slot++) {
      // What a present name says counts before what a former one does.
      const from = this.#isGiven(slot, json) ? slot : slot + this.#count;
      if (!this.#isGiven(from, json)) continue;
      try {
        values[slot] = this.#value(fields[slot] as Field, from, json);
      } catch (fault) {
        if (!(fault instanceof FieldFault)) throw fault;
        throw new FieldFault(this.#spelled(from, json), fault.message);
      }
    }
  }

  #takeFields({ json, fields, fieldsAt, fieldsEnd }: FoundRecord): void {
    this.#valueAt.fill(0);
    for (let index = fieldsAt; index < fieldsEnd; index += fieldNumbers) {
      const slot = (fields[index] as number) >> 1;
      // The key of a single record is its batch's.
      if (slot >= this.#valueAt.length) continue;
      const isTwice = this.#valueAt[slot] !== 0;
      this.#keyAt[slot] = fields[index + 1] as number;
      if (isTwice) throw new FieldFault(this.#spelled(slot, json), 'is given twice');
      this.#valueAt[slot] = fields[index + 2] as number;
      this.#valueEnd[slot] = fields[index + 3] as number;
      this.#isPlain[slot] = (fields[index] as number) & 1;
    }
  }

  #isGiven(slot: number, bytes: Buffer): boolean {
    const at = this.#valueAt[slot] as number;
    return at > 0 && bytes[at] !== letterN;
  }

  #spelled(slot: number, bytes: Buffer): string {
    const at = this.#keyAt[slot] as number;
    return readText(bytes, at, endOfString(bytes, at), true);
  }

  #value({ type }: Field, slot: number, bytes: Buffer): FieldValue {
    const at = this.#valueAt[slot] as number;
    const end = this.#valueEnd[slot] as number;
    switch (type) {
      case 'id':
      case 'text':
        return this.#text(bytes, at, end);
      case 'time':
        return timeValue(bytes, at, end);
      case 'count':
        return integerValue(bytes, at, end);
      case 'number':
        return measuredValue(bytes, at, end);
      case 'metadata':
        checkObject(bytes, at, end);
        this.#record.jsonAt = at;
        this.#record.jsonEnd = end;
        this.#record.jsonIsPlain = this.#isPlain[slot] === 1;
        return undefined;
      default:
        return numberValue(bytes, at, end);
    }
  }

  #text(bytes: Buffer, at: number, end: number): string {
    checkString(bytes, at, end);
    const known = this.#texts.find(bytes, at + 1, end - 1);
    if (known !== undefined) return known;
    const text = readText(bytes, at, end, hasEscape(bytes, at, end));
    if (text.isWellFormed()) return this.#texts.keep(text, bytes, at + 1, end - 1);
    this.halves += text.match(/\p{Surrogate}/gu)?.length ?? 0;
    return text.toWellFormed();
  }
}
