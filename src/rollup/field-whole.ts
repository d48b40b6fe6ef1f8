import type { ByteWriter } from '../records/byte-writer.ts';

const groupDigits = 4;
const negative = 0x4000;

/** Writes a whole number of any size as numeric, whose digits come in groups of four. */
export function fieldWhole(writer: ByteWriter, value: bigint): void {
  const digits = String(value < 0n ? -value : value);
  const padded = digits.padStart(Math.ceil(digits.length / groupDigits) * groupDigits, '0');
  const groups = value === 0n ? [] : (padded.match(/.{4}/g) as string[]);
  writer.int32(8 + 2 * groups.length);
  writer.int16(groups.length);
  writer.int16(Math.max(0, groups.length - 1));
  writer.int16(value < 0n ? negative : 0);
  writer.int16(0);
  for (const group of groups) writer.int16(Number(group));
}
