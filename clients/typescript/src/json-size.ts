/**
 * How many bytes of JSON a text takes, quotes included, as far as that is at most `bytesMax`; and how
 * much of it does. It looks at no more of the text than fits, however long it is.
 */
export function measureText(text: string, bytesMax: number): { bytes: number; kept: number } {
  let bytes = 2;
  for (let at = 0; at < text.length; at += 1) {
    const more = bytesOf(text.charCodeAt(at));
    if (bytes + more > bytesMax) return { bytes, kept: at };
    bytes += more;
  }
  return { bytes, kept: text.length };
}

/** Of one UTF-16 code unit, as JSON.stringify writes it in UTF-8; of a pair each is half. */
function bytesOf(code: number): number {
  if (code < 0x20)
    return code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 2 : 6;
  if (code === 0x22 || code === 0x5c) return 2;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return 3;
}

/** A copy that holds nothing of a longer text alive, without half of a surrogate pair at its end. */
export function firstOf(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  const bytes = new TextEncoder().encode(text.slice(0, isHalf ? length - 1 : length));
  return new TextDecoder().decode(bytes);
}
