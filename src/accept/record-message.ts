import type { RecordResponse } from './ingest-answers.ts';

/** Field numbers and wire types (https://protobuf.dev/programming-guides/encoding). */
const tags = { success: 0x08, message: 0x12, id: 0x1a, durability: 0x20, duplicate: 0x28 } as const;
/** A length of two bytes is one that no answer has. */
const textBytesMax = 0x7f;

/** The answer to a single record as the library writes it, of either kind. */
export function recordMessage(response: RecordResponse): Uint8Array {
  const { message, id, durability, duplicate } = response;
  const bytes = Buffer.allocUnsafe(2 * (textBytesMax + 2) + 6);
  bytes[0] = tags.success;
  bytes[1] = 1;
  let at = putText(bytes, 2, tags.message, message);
  at = putText(bytes, at, tags.id, id);
  bytes[at++] = tags.durability;
  bytes[at++] = durability;
  if (duplicate) {
    bytes[at++] = tags.duplicate;
    bytes[at++] = 1;
  }
  return bytes.subarray(0, at);
}

/** Of ASCII, and not empty: ids and what we say ourselves. */
function putText(bytes: Buffer, at: number, tag: number, text: string): number {
  if (text.length > textBytesMax) throw new RangeError(`an answer says too much: ${text}`);
  bytes[at] = tag;
  bytes[at + 1] = text.length;
  return at + 2 + bytes.write(text, at + 2, 'latin1');
}
