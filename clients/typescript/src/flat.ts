import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** A number, with its comma, however it is written. */
const numberBytesMax = 26;
const textLengthMax = 256;

/**
 * What most metadata is: an object of a few numbers and short plain texts, for a fraction of the
 * time that anything else takes. `bytes` is at least what it takes as JSON. Undefined where it is
 * something else, or larger.
 */
export function flat(
  given: unknown,
  bytesMax: number,
): { object: JsonObject; bytes: number } | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  if (Object.getPrototypeOf(given) !== Object.prototype) return undefined;
  const object: JsonObject = {};
  let bytes = 3;
  for (const key of Object.keys(given)) {
    const value: unknown = (given as Record<string, unknown>)[key];
    if (value === undefined) continue;
    const more = bytesOf(value);
    if (!isPlain(key) || key === '__proto__' || more === 0) return undefined;
    bytes += key.length + 3 + more;
    if (bytes > bytesMax) return undefined;
    // JSON has no negative zero.
    object[key] = typeof value === 'number' ? value + 0 : (value as JsonValue);
  }
  return { object, bytes };
}

/** 0 where it is not flat. */
function bytesOf(value: unknown): number {
  if (typeof value === 'number') return Number.isFinite(value) ? numberBytesMax : 0;
  if (typeof value === 'string') return isPlain(value) ? value.length + 3 : 0;
  return typeof value === 'boolean' || value === null ? 6 : 0;
}

/** Whether each character is one byte of JSON. */
function isPlain(text: string): boolean {
  if (text.length > textLengthMax) return false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}
