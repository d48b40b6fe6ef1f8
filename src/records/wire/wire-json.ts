import { shortEscapes } from '../json/escapes.ts';
import { NumberShape } from '../json/number-shape.ts';
import { limits } from '../limits.ts';
import { putJsonNumber } from './json-number.ts';
import { isPlainUtf8, unusual } from './wire-fields.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const doubleBytes = new Uint8Array(8);
const double = new DataView(doubleBytes.buffer);
const literals = {
  null: Buffer.from('null'),
  true: Buffer.from('true'),
  false: Buffer.from('false'),
};

/**
 * Bytes that the JSON of a `google.protobuf.Struct` takes at most for each of its encoding: four
 * bytes of `false` in a list become six characters with its comma, eleven of a number 25.
 */
export const jsonBytesPerByteMax = 4;

/**
 * Copies a `google.protobuf.Struct` from the wire as the JSON text that the general path would
 * make of it. Positions in `source` are checked against the end of what encloses them; the caller
 * gives `target` room for `jsonBytesPerByteMax` times the length.
 * Encoding: https://protobuf.dev/programming-guides/encoding/
 */
export class WireJson {
  /**
   * Bytes that jsonb will write more than there are in the text, for numbers with an exponent;
   * whoever begins a text sets it back.
   */
  expanded = 0;
  /** Where reading goes on. */
  #at = 0;
  readonly #shape = new NumberShape();

  /** Returns where the text ends in `target`, or `unusual`. */
  struct(
    source: Uint8Array,
    at: number,
    end: number,
    target: Uint8Array,
    to: number,
    depth = 1,
  ): number {
    if (depth > limits.metadataDepthMax) return unusual;
    const start = to;
    target[to++] = 0x7b;
    this.#at = at;
    while (this.#at < end) {
      if (to > start + 1) target[to++] = comma;
      const entryEnd = this.#enter(source, end, 0x0a);
      const keyEnd = this.#enter(source, entryEnd, 0x0a);
      if (keyEnd === unusual || !isPlainKey(source, this.#at, keyEnd)) return unusual;
      to = text(source, this.#at, keyEnd, target, to);
      if (to === unusual) return unusual;
      target[to++] = colon;
      this.#at = keyEnd;
      const valueEnd = this.#enter(source, entryEnd, 0x12);
      // A second key or value would replace the first.
      if (valueEnd !== entryEnd) return unusual;
      to = this.#value(source, valueEnd, target, to, depth);
      if (to === unusual) return unusual;
      this.#at = entryEnd;
    }
    target[to++] = 0x7d;
    return to;
  }

  #list(source: Uint8Array, end: number, target: Uint8Array, to: number, depth: number): number {
    if (depth > limits.metadataDepthMax) return unusual;
    const start = to;
    target[to++] = 0x5b;
    while (this.#at < end) {
      if (to > start + 1) target[to++] = comma;
      const valueEnd = this.#enter(source, end, 0x0a);
      if (valueEnd === unusual) return unusual;
      to = this.#value(source, valueEnd, target, to, depth);
      if (to === unusual) return unusual;
      this.#at = valueEnd;
    }
    target[to++] = 0x5d;
    return to;
  }

  /** A `google.protobuf.Value` with one field, which ends where the value does. */
  #value(source: Uint8Array, end: number, target: Uint8Array, to: number, depth: number): number {
    const at = this.#at;
    const tag = at < end ? source[at] : 0;
    const length = end - at;
    if (tag === 0x11) return length === 9 ? this.#number(source, at + 1, target, to) : unusual;
    if (tag === 0x08 || tag === 0x20) {
      const varint = source[at + 1] as number;
      if (length !== 2 || varint > (tag === 0x08 ? 0 : 1)) return unusual;
      return literal(tag === 0x08 ? 'null' : varint === 1 ? 'true' : 'false', target, to);
    }
    if (tag !== 0x1a && tag !== 0x2a && tag !== 0x32) return unusual;
    if (this.#enter(source, end, tag) !== end) return unusual;
    if (tag === 0x1a) return text(source, this.#at, end, target, to);
    if (tag === 0x2a) return this.struct(source, this.#at, end, target, to, depth + 1);
    return this.#list(source, end, target, to, depth + 1);
  }

  #number(source: Uint8Array, at: number, target: Uint8Array, to: number): number {
    for (let byte = 0; byte < 8; byte++) doubleBytes[byte] = source[at + byte] as number;
    const value = double.getFloat64(0, true);
    if (!Number.isFinite(value)) return unusual;
    const numberEnd = putJsonNumber(value, target, to);
    const magnitude = Math.abs(value);
    if (magnitude >= 1e21 || (magnitude < 1e-6 && value !== 0)) {
      this.#shape.measure(target, to, numberEnd);
      this.expanded += Math.max(0, this.#shape.bytes - (numberEnd - to));
    }
    return numberEnd;
  }

  /** Passes a tag and a length of at most two bytes more; returns where what follows ends. */
  #enter(source: Uint8Array, end: number, tag: number): number {
    const at = this.#at;
    if (at + 2 > end || source[at] !== tag) return unusual;
    let length = source[at + 1] as number;
    let start = at + 2;
    if (length >= 0x80) {
      if (start >= end) return unusual;
      length = (length & 0x7f) | ((source[start++] as number) << 7);
      if (length >= 0x4000) {
        if (start >= end || (source[start] as number) >= 0x80) return unusual;
        length = (length & 0x3fff) | ((source[start++] as number) << 14);
      }
    }
    this.#at = start;
    return start + length > end ? unusual : start + length;
  }
}

/** Objects sort keys that are numbers to the front, and treat one name in a way of its own. */
function isPlainKey(source: Uint8Array, at: number, end: number): boolean {
  const first = at < end ? (source[at] as number) : 0;
  return (first < 0x30 || first > 0x39) && !(first === 0x5f && end - at === 9);
}

function literal(name: keyof typeof literals, target: Uint8Array, to: number): number {
  const bytes = literals[name];
  for (let index = 0; index < bytes.length; index++) target[to++] = bytes[index] as number;
  return to;
}

function text(source: Uint8Array, at: number, end: number, target: Uint8Array, to: number): number {
  let all = 0;
  target[to++] = quote;
  for (let index = at; index < end; index++) {
    const byte = source[index] as number;
    all |= byte;
    if (byte < 0x20 || byte === quote || byte === backslash) {
      const letter = shortEscapes[byte] as number;
      if (letter === 0) return unusual;
      target[to++] = backslash;
      target[to++] = letter;
    } else {
      target[to++] = byte;
    }
  }
  if (all >= 0x80 && !isPlainUtf8(source, at, end)) return unusual;
  target[to++] = quote;
  return to;
}
