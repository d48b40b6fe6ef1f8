/** Steps through bytes that are known to be JSON, which need no more checks. */

const quote = 0x22;
const backslash = 0x5c;

/** Past the closing quote of the string that opens at a position. */
export function endOfString(bytes: Uint8Array, at: number): number {
  for (at++; ; at++) {
    const byte = bytes[at];
    if (byte === quote) return at + 1;
    if (byte === backslash) at++;
  }
}

/** Whether a string has a backslash in it. */
export function hasEscape(bytes: Uint8Array, at: number, end: number): boolean {
  for (; at < end; at++) if (bytes[at] === backslash) return true;
  return false;
}
