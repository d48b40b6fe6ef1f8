/** Steps through bytes that are known to be JSON, which need no more checks. */

const quote = 0x22;
const backslash = 0x5c;

/** Where the next byte is that is no space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  while ((bytes[at] as number) <= 0x20) at++;
  return at;
}

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

/** Where the value ends that begins at a position. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first === quote) return endOfString(bytes, at);
  let depth = 0;
  if ((first | 0x20) === 0x7b) {
    for (;;) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        at = endOfString(bytes, at);
        continue;
      }
      at++;
      // Braces and brackets differ in one bit, and so do openings and closings in others.
      if ((byte | 0x20) === 0x7b) depth++;
      else if ((byte | 0x20) === 0x7d && --depth === 0) return at;
    }
  }
  for (;;) {
    const byte = bytes[at] as number;
    // Space, a comma, a bracket or a brace.
    if (byte <= 0x20 || byte === 0x2c || (byte | 0x20) === 0x7d) return at;
    at++;
  }
}
