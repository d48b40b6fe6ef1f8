/** The letter after the backslash in JSON's short escapes, by character; 0 for others. */
export const shortEscapes = new Uint8Array(0x60);
for (const [character, letter] of ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\']) {
  shortEscapes[(character as string).charCodeAt(0)] = (letter as string).charCodeAt(0);
}

/** The number that four hexadecimal digits stand for. */
export function hexUnit(bytes: Uint8Array, at: number): number {
  let unit = 0;
  for (let index = at; index < at + 4; index++) {
    const digit = bytes[index] as number;
    // Letters of either case have their value in the low bits, less nine.
    unit = (unit << 4) | (digit <= 0x39 ? digit & 0xf : (digit & 0xf) + 9);
  }
  return unit;
}

/** Writes a character as JSON.stringify does inside of a string; returns where it ends. */
export function putCharacter(code: number, target: Uint8Array, to: number): number {
  if (code < 0x20 || code === 0x22 || code === 0x5c) return putEscape(code, target, to);
  if (code < 0x80) {
    target[to++] = code;
    return to;
  }
  if (code < 0x800) {
    target[to++] = 0xc0 | (code >> 6);
  } else {
    if (code < 0x1_0000) {
      target[to++] = 0xe0 | (code >> 12);
    } else {
      target[to++] = 0xf0 | (code >> 18);
      target[to++] = 0x80 | ((code >> 12) & 0x3f);
    }
    target[to++] = 0x80 | ((code >> 6) & 0x3f);
  }
  target[to++] = 0x80 | (code & 0x3f);
  return to;
}

function putEscape(code: number, target: Uint8Array, to: number): number {
  const letter = shortEscapes[code];
  const text = letter ? String.fromCharCode(letter) : `u${code.toString(16).padStart(4, '0')}`;
  target[to++] = 0x5c;
  for (let index = 0; index < text.length; index++) target[to++] = text.charCodeAt(index);
  return to;
}
