import { FieldFault } from '../limits.ts';
import { microseconds, parseRfc3339 } from '../rfc3339.ts';
import { readNumber } from './number.ts';

/**
 * Values of fields from bytes that are known to be JSON, from a position to another. Integers,
 * numbers and times are what ProtoJSON takes. Throw a `FieldFault` that names no field.
 * https://protobuf.dev/programming-guides/json/
 */

const quote = 0x22;
const brace = 0x7b;
const bracket = 0x5b;
const [letterF, letterT] = [...'ft'].map((letter) => letter.charCodeAt(0));
const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const integerPattern = /^-?(?:0|[1-9]\d*)$/;
const unusualNumbers: ReadonlyMap<string, number> = new Map(
  ['NaN', 'Infinity', '-Infinity'].map((text) => [text, Number(text)]),
);
/** Whole numbers of 64 bits go from its negative to below it. */
const int64 = 2 ** 63;
/** Of a value at fault, in the words about it. */
const shownBytesMax = 100;

/** Checks that a value is a string. */
export function checkString(bytes: Buffer, at: number, end: number): void {
  if (bytes[at] !== quote) throw unreadable(bytes, at, end, 'string');
}

export function numberValue(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== quote) {
    if (!isNumber(bytes[at])) throw unreadable(bytes, at, end, 'number');
    const value = readNumber(bytes, at, end);
    if (!Number.isFinite(value)) throw unreadable(bytes, at, end, 'number that is not infinite');
    return value;
  }
  const text = bytes.toString('latin1', at + 1, end - 1);
  const value = numberPattern.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const unusual = unusualNumbers.get(text);
  if (unusual === undefined) throw unreadable(bytes, at, end, 'number');
  return unusual;
}

/** A number, or a truth as 1 or 0, which deployed clients send for a measurement. */
export function measuredValue(bytes: Buffer, at: number, end: number): number {
  const byte = bytes[at];
  if (byte === letterT) return 1;
  return byte === letterF ? 0 : numberValue(bytes, at, end);
}

/** A whole number of 64 bits, as the nearest double. */
export function integerValue(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== quote) {
    const value = isNumber(bytes[at]) ? readNumber(bytes, at, end) : Number.NaN;
    if (!Number.isInteger(value) || value < -int64 || value >= int64)
      throw unreadable(bytes, at, end, 'whole number');
    return value + 0;
  }
  const text = bytes.toString('latin1', at + 1, end - 1);
  if (!integerPattern.test(text) || !isInt64(text)) {
    throw unreadable(bytes, at, end, 'whole number');
  }
  return Number(text) + 0;
}

/** A time, in microseconds since 1970. */
export function timeValue(bytes: Buffer, at: number, end: number): number {
  const isString = bytes[at] === quote;
  const instant = isString && parseRfc3339(bytes.toString('latin1', at + 1, end - 1));
  if (!instant) throw unreadable(bytes, at, end, 'RFC 3339 time with zone');
  return microseconds(instant);
}

/** Checks that a value is an object. */
export function checkObject(bytes: Buffer, at: number, end: number): void {
  if (bytes[at] !== brace) throw unreadable(bytes, at, end, 'object');
}

/** The first byte of a number, and of no other value. */
const isNumber = (byte = 0): boolean => byte === 0x2d || (byte >= 0x30 && byte <= 0x39);

function isInt64(digits: string): boolean {
  if (digits.length < 19) return true;
  if (digits.length > 20) return false;
  const value = BigInt(digits);
  return BigInt.asIntN(64, value) === value;
}

function unreadable(bytes: Buffer, at: number, end: number, expected: string): FieldFault {
  const kind = bytes[at] === brace ? 'an object' : bytes[at] === bracket ? 'a list' : undefined;
  const shown = bytes.toString('utf8', at, Math.min(end, at + shownBytesMax));
  const got = kind ?? (end - at > shownBytesMax ? `${shown}…` : shown);
  return new FieldFault('', `cannot be read: expected ${expected}, got ${got}`);
}
