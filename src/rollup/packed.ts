import type { PackedWriter } from './packed-writer.ts';

/**
 * What a transaction stored, packed: for each record the number of its series with flags, then its
 * first value, then what else there is of it: a mask, and for each of its bits what belongs to it,
 * in their order: of the shape's sums first, then of its further values. A whole number and a value
 * take 8 bytes, a decimal is as in binary COPY, of a flag there is the bit alone. Before the first
 * record of a quarter hour, and wherever another one begins, that one's number below zero. SQL
 * writes the same (`packedSource`).
 */
export const packed = {
  /** Above all numbers of series. */
  hasValue: 0x4000_0000,
  hasMore: 0x2000_0000,
  /** The record is gone, or has changed: what it was is taken away. */
  isRemoved: 0x1000_0000,
  seriesMask: 0x0fff_ffff,
  /** A quarter hour counts from 2000, and may lie before. */
  quarterOffset: 0x400_0000,
} as const;

const quarterMark = (quarter: number): number => -(quarter + packed.quarterOffset);
export const quarterOfMark = (mark: number): number => -mark - packed.quarterOffset;

export function writeQuarter(writer: PackedWriter, quarter: number): void {
  writer.int32(quarterMark(quarter));
}
