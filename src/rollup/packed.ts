import type { ByteWriter } from '../records/byte-writer.ts';

/**
 * What a transaction stored, packed: for each record the number of its series with flags, then its
 * value, then its sums, each of 8 bytes; before the first record of a quarter hour, and wherever
 * another one begins, that one's number below zero. SQL writes the same (`packedRecord`).
 */
export const packed = {
  /** Above all numbers of series. */
  hasValue: 0x4000_0000,
  hasSums: 0x2000_0000,
  seriesMask: 0x1fff_ffff,
  /** A quarter hour counts from 2000, and may lie before. */
  quarterOffset: 0x400_0000,
} as const;

const quarterMark = (quarter: number): number => -(quarter + packed.quarterOffset);

export function writeQuarter(writer: ByteWriter, quarter: number): void {
  writer.int32(quarterMark(quarter));
}

/** Who wants to know what is packed. */
export interface PackedReader {
  /** A record; sums of it follow at `sumsAt`, unless that is 0. */
  record(quarter: number, series: number, hasValue: boolean, value: number, sumsAt: number): void;
}

/** Reads packed records one by one; `sums`: how many each has that has any. */
export function readPacked(data: Buffer, sums: number, reader: PackedReader): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let quarter = 0;
  for (let at = 0; at + 4 <= data.length; ) {
    const word = view.getInt32(at);
    at += 4;
    if (word < 0) {
      quarter = -word - packed.quarterOffset;
      continue;
    }
    const hasValue = (word & packed.hasValue) !== 0;
    const value = hasValue ? view.getFloat64(at) : 0;
    if (hasValue) at += 8;
    const hasSums = (word & packed.hasSums) !== 0;
    reader.record(quarter, word & packed.seriesMask, hasValue, value, hasSums ? at : 0);
    if (hasSums) at += 8 * sums;
  }
}
