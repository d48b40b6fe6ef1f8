/**
 * A sketch in one piece: for each key of four bytes the key and its count, or, where these are out
 * of the common, a mark, the key in four bytes and the count in eight. In no order; the counts of a
 * key that is there several times belong together. `telemetry_sketch_cell` in SQL writes the same.
 */
const [keyMin, keys] = [35_904, 2 ** 13];
const countBits = 18;
const countMax = 2 ** countBits - 1;
const mark = -1;

interface CellWriter {
  int32(value: number): void;
  int64(value: number): void;
}

const isCommon = (key: number, count: number): boolean =>
  key >= keyMin && key < keyMin + keys && count >= 0 && count <= countMax;

/** How long a cell is. */
export const cellBytes = (key: number, count: number): number => (isCommon(key, count) ? 4 : 16);

export function writeCell(writer: CellWriter, key: number, count: number): void {
  if (isCommon(key, count)) {
    writer.int32(((key - keyMin) << countBits) | count);
    return;
  }
  writer.int32(mark);
  writer.int32(key);
  writer.int64(count);
}

/** Counts of common keys, from one use to the next all 0: a list is quicker than a table. */
const counts = new Float64Array(keys);

/** Adds a sketch to the counts by key, of which none is left where as many were taken away. */
export function addSketch(known: Map<number, number>, cells: Buffer): void {
  const add = (key: number, count: number) => known.set(key, (known.get(key) ?? 0) + count);
  let [first, last] = [keys, -1];
  let isLess = false;
  for (let at = 0; at < cells.length; at += 4) {
    const word = cells.readInt32BE(at);
    if (word === mark) {
      const count = cells.readInt32BE(at + 8) * 2 ** 32 + cells.readUInt32BE(at + 12);
      add(cells.readInt32BE(at + 4), count);
      isLess ||= count < 0;
      at += 12;
      continue;
    }
    const index = word >> countBits;
    counts[index] = (counts[index] as number) + (word & countMax);
    if (index < first) first = index;
    if (index > last) last = index;
  }
  for (let index = first; index <= last; index++) {
    const count = counts[index] as number;
    if (count === 0) continue;
    counts[index] = 0;
    add(keyMin + index, count);
  }
  if (!isLess) return;
  for (const [key, count] of known) if (count <= 0) known.delete(key);
}
