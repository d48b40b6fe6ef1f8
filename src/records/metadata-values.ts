import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { limits } from './limits.ts';

/** Every value takes two bytes of JSON, a digit and a comma: more are too many whatever they are. */
export const metadataValuesMax = limits.metadataBytesMax / 2;
/** The encoding of an empty value, with its length and tag. */
const valueBytesMin = 2;

/** What is inside of what, by field number, in the encoding of google.protobuf.Struct. */
const inside = {
  struct: { 1: 'entry' },
  entry: { 2: 'value' },
  value: { 5: 'struct', 6: 'list' },
  list: { 1: 'value' },
} as const satisfies Record<string, Readonly<Record<number, string>>>;
type Part = keyof typeof inside;

/**
 * Whether a record's metadata has more values than `metadataValuesMax`. Decoded, each of them is
 * an object of a hundred bytes; this makes none.
 */
export function hasTooManyValues(schema: DescMessage, record: Uint8Array): boolean {
  if (record.byteLength <= metadataValuesMax * valueBytesMin) return false;
  const metadata = schema.fields.find(({ name }) => name === 'metadata')?.number as number;
  const reader = new BinaryReader(record);
  try {
    return countValues(reader, record.byteLength, { [metadata]: 'struct' }) > metadataValuesMax;
  } catch {
    // Whoever decodes it finds out what is wrong.
    return false;
  }
}

function countValues(
  reader: BinaryReader,
  end: number,
  parts: Readonly<Record<number, Part>>,
): number {
  let count = 0;
  while (reader.pos < end && count <= metadataValuesMax) {
    const [field, wireType] = reader.tag();
    const part = parts[field];
    if (part && wireType === WireType.LengthDelimited) {
      const partEnd = reader.uint32() + reader.pos;
      count += countValues(reader, partEnd, inside[part]) + (part === 'value' ? 1 : 0);
    } else {
      reader.skip(wireType, field);
    }
  }
  return count;
}
