import { camelCase, type Field, isSent, recordFields } from '../fields.ts';
import { FieldFault } from '../limits.ts';
import type { FieldValue, RecordValues } from '../record-values.ts';
import { type RecordKind, recordKinds } from '../tables.ts';
import { Names } from './names.ts';
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
import { endOfString, endOfValue, hasEscape, skipSpace } from './walk.ts';

const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;
const letterN = 0x6e;
const idSlot = 0;

/** The fields of a kind by each of their names; a former one has a slot behind all others. */
function namesOf(kind: RecordKind): Names {
  const fields = recordFields[kind];
  const slots = new Map<string, number>();
  fields.forEach((field, slot) => {
    if (!isSent(field)) return;
    const { name, formerName } = field;
    slots.set(name, slot).set(camelCase(name), slot);
    if (formerName !== undefined) slots.set(formerName, fields.length + slot);
  });
  return new Names(slots);
}

const names = Object.fromEntries(recordKinds.map((kind) => [kind, namesOf(kind)])) as Readonly<
  Record<RecordKind, Names>
>;

/**
 * Reads one record after the other from bytes that are known to be JSON. Names are those of the
 * contract, in either spelling; unknown ones are ignored; null is a field that is not given.
 */
export class JsonRecordReader {
  /** Halves of surrogate pairs that became U+FFFD so far. */
  halves = 0;
  readonly #record: RecordValues;
  readonly #names: Names;
  /** The slots of former names come after those of the fields, in the same order. */
  readonly #count: number;
  /** By slot, where the value is, and the key before it. */
  readonly #valueAt: Int32Array;
  readonly #valueEnd: Int32Array;
  readonly #keyAt: Int32Array;
  readonly #texts = new TextCache();

  /** `record`: what is filled. */
  constructor(record: RecordValues) {
    const slots = 2 * record.fields.length;
    this.#record = record;
    this.#names = names[record.kind];
    this.#count = record.fields.length;
    this.#valueAt = new Int32Array(slots);
    this.#valueEnd = new Int32Array(slots);
    this.#keyAt = new Int32Array(slots);
  }

  /** Throws `FieldFault`, whose field is as the sender spells it. `isSingle`: it has no id. */
  read(bytes: Buffer, isSingle: boolean): void {
    const { fields, values } = this.#record;
    this.#record.clear();
    this.#record.json = bytes;
    if (bytes[0] !== openBrace) throw new FieldFault('', 'is not a JSON object');
    this.#findFields(bytes, isSingle);
    for (let slot = 0; slot < fields.length; slot++) {
      // What a present name says counts before what a former one does.
      const from = this.#isGiven(slot, bytes) ? slot : slot + this.#count;
      if (!this.#isGiven(from, bytes)) continue;
      try {
        values[slot] = this.#value(fields[slot] as Field, from, bytes);
      } catch (fault) {
        if (!(fault instanceof FieldFault)) throw fault;
        throw new FieldFault(this.#spelled(from, bytes), fault.message);
      }
    }
  }

  #findFields(bytes: Buffer, isSingle: boolean): void {
    this.#valueAt.fill(0);
    for (let at = skipSpace(bytes, 1); bytes[at] !== closeBrace; ) {
      const keyEnd = endOfString(bytes, at);
      const valueAt = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
      const end = endOfValue(bytes, valueAt);
      const slot = this.#find(bytes, at, keyEnd);
      if (slot > idSlot || (slot === idSlot && !isSingle)) {
        const isTwice = this.#valueAt[slot] !== 0;
        this.#keyAt[slot] = at;
        if (isTwice) throw new FieldFault(this.#spelled(slot, bytes), 'is given twice');
        this.#valueAt[slot] = valueAt;
        this.#valueEnd[slot] = end;
      }
      at = skipSpace(bytes, end);
      if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    }
  }

  #find(bytes: Buffer, at: number, end: number): number {
    const slot = this.#names.find(bytes, at + 1, end - 1);
    if (slot >= 0 || !hasEscape(bytes, at, end)) return slot;
    return this.#names.get(readText(bytes, at, end, true));
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
