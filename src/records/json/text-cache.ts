/** Longer ones are rarely met again. */
const lengthMax = 48;
const entries = 512;

/** Texts of ASCII that were met before: types, components and statuses are few. */
export class TextCache {
  readonly #texts: string[] = Array.from({ length: entries }, () => '');

  /** The text of these bytes, where it is known. */
  find(bytes: Uint8Array, at: number, end: number): string | undefined {
    const length = end - at;
    if (length > lengthMax) return undefined;
    const text = this.#texts[entryOf(bytes, at, end)] as string;
    if (text.length !== length) return undefined;
    for (let index = 0; index < length; index++) {
      if (text.charCodeAt(index) !== bytes[at + index]) return undefined;
    }
    return text;
  }

  /** Keeps the text of these bytes, unless they are others than its own; returns it. */
  keep(text: string, bytes: Uint8Array, at: number, end: number): string {
    // In UTF-8 only ASCII has as many bytes as characters, and an escape has more.
    if (text.length === end - at && text.length <= lengthMax) {
      this.#texts[entryOf(bytes, at, end)] = text;
    }
    return text;
  }
}

/** By its length and some of its bytes. */
function entryOf(bytes: Uint8Array, at: number, end: number): number {
  const length = end - at;
  if (length === 0) return 0;
  const middle = bytes[at + (length >> 1)] as number;
  const hash = (bytes[at] as number) * 7 + middle * 31 + (bytes[end - 1] as number) * 127 + length;
  return hash & (entries - 1);
}
