import { isUtf8 } from 'node:buffer';
import { tables } from '../tables.ts';

/** What is given for what is unusual: the general path decides about it. */
export const unusual = -1;

export function putInt16(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 8;
  target[at + 1] = value;
}

export function putInt32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

export function putInt64(target: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  putInt32(target, at, high);
  putInt32(target, at + 4, value - high * 0x1_0000_0000);
}

/**
 * Copies a double, little-endian in protobuf and big-endian in PostgreSQL; returns all bits that
 * are set in its bytes, but for the sign's.
 */
export function putDouble(target: Uint8Array, to: number, source: Uint8Array, at: number): number {
  let bits = 0;
  for (let byte = 0; byte < 8; byte++) {
    const value = source[at + 7 - byte] as number;
    target[to + byte] = value;
    bits |= byte === 0 ? value & 0x7f : value;
  }
  return bits;
}

export function putNull(target: Uint8Array, to: number): number {
  putInt32(target, to, -1);
  return to + 4;
}

const { columns } = tables.event;
const furtherColumns = columns.indexOf('rolled') - columns.indexOf('status') - 1;

/** Columns of fields that came later: events that have such are left to the general path. */
export function putFurtherNulls(target: Uint8Array, to: number): number {
  for (let count = furtherColumns; count > 0; count--) to = putNull(target, to);
  return to;
}

/** Copies UTF-8 with its length before it; `unusual` where it holds NUL or is no UTF-8. */
export function putText(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  at: number,
  end: number,
): number {
  putInt32(target, to, end - at);
  let all = 0;
  let start = to + 4;
  for (let index = at; index < end; index++) {
    const byte = source[index] as number;
    if (byte === 0) return unusual;
    all |= byte;
    target[start++] = byte;
  }
  return all < 0x80 || isPlainUtf8(source, at, end) ? start : unusual;
}

/** An empty text means none. */
export function putNullableText(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  at: number,
  end: number,
): number {
  return at === end ? putNull(target, to) : putText(target, to, source, at, end);
}

/** Decoders drop the mark of byte order that a text may begin with. */
export function isPlainUtf8(source: Uint8Array, at: number, end: number): boolean {
  const marked = source[at] === 0xef && source[at + 1] === 0xbb && source[at + 2] === 0xbf;
  return !marked && isUtf8(source.subarray(at, end));
}

export function isFiniteDouble(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + 7] as number) & 0x7f) !== 0x7f || ((bytes[at + 6] as number) & 0xf0) !== 0xf0;
}

/**
 * A timestamp in microseconds since 1970: seconds, and nanoseconds where they are not 0, in this
 * order. NaN where it is written otherwise, or is before 1970.
 */
export function readTimestampUs(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at++] !== 0x08 || at >= end) return Number.NaN;
  let seconds = 0;
  let nanos = 0;
  let byte = 0x80;
  for (let unit = 1; byte >= 0x80; unit *= 0x80) {
    if (at >= end || unit > 0x80 ** 4) return Number.NaN;
    byte = bytes[at++] as number;
    seconds += (byte & 0x7f) * unit;
  }
  if (at < end) {
    if (bytes[at++] !== 0x10) return Number.NaN;
    byte = 0x80;
    for (let unit = 1; byte >= 0x80; unit *= 0x80) {
      if (at >= end || unit > 0x80 ** 4) return Number.NaN;
      byte = bytes[at++] as number;
      nanos += (byte & 0x7f) * unit;
    }
  }
  if (at !== end || nanos > 999_999_999) return Number.NaN;
  return seconds * 1_000_000 + Math.floor(nanos / 1000);
}

/** Whether UTF-8 has more than so many characters. */
export function isLonger(
  bytes: Uint8Array,
  at: number,
  end: number,
  charactersMax: number,
): boolean {
  if (end - at <= charactersMax) return false;
  let count = 0;
  // The bytes of a character after its first begin with 10.
  for (; at < end && count <= charactersMax; at++) {
    if (((bytes[at] as number) & 0xc0) !== 0x80) count++;
  }
  return count > charactersMax;
}
