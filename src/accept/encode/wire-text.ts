import { isUtf8 } from 'node:buffer';

/** What is given for what is not plain: the general path decides about it. */
export const notPlain = -1;

export function putInt32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** Copies UTF-8 with its length before it; `notPlain` where it holds NUL or is no UTF-8. */
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
    if (byte === 0) return notPlain;
    all |= byte;
    target[start++] = byte;
  }
  return all < 0x80 || isPlainUtf8(source, at, end) ? start : notPlain;
}

/** Decoders drop the mark of byte order that a text may begin with. */
export function isPlainUtf8(source: Uint8Array, at: number, end: number): boolean {
  const marked = source[at] === 0xef && source[at + 1] === 0xbb && source[at + 2] === 0xbf;
  return !marked && isUtf8(source.subarray(at, end));
}
