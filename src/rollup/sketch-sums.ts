import { isDeepStrictEqual } from 'node:util';
import {
  type Cells,
  type CellsOrBytes,
  checked,
  countBits,
  countMax,
  DamagedSketch,
  keyMin,
  keys,
} from './sketch-cells.ts';

/** The same with what it is of at the beginning of longer lists. */
interface CellsOfLists extends Cells {
  readonly length: number;
}

export const cellsIn = (sketch: CellsOrBytes): Cells =>
  sketch instanceof Uint8Array ? sumOfSketches([sketch]) : sketch;

/** What sketches add up to, less some; a key of which as many were taken away as there were is none. */
export function sumOfSketches(
  sketches: Iterable<CellsOrBytes>,
  without: Iterable<CellsOrBytes> = [],
): Cells {
  const sum = new Sum();
  for (const each of sketches) sum.add(each, 1);
  for (const each of without) sum.add(each, -1);
  return sum.take();
}

/** Whether a sketch in one piece is that of some cells. */
export function isSketchOf(bytes: Buffer, cells: Cells): boolean {
  try {
    const [is, should] = [cellsIn(checked(bytes)), sumOfSketches([cells])];
    return isDeepStrictEqual(is, should);
  } catch (error) {
    if (error instanceof DamagedSketch) return false;
    throw error;
  }
}

/** Counts of common keys, from one sum to the next all 0: a list is quicker than a table. */
const common = new Float64Array(keys);
const seen = { keys: new Int32Array(keys), counts: new Float64Array(keys) };

/** A sketch for a look at it, until the next one: answers have thousands of which nothing stays. */
export function glanceAt(sketch: CellsOrBytes): CellsOfLists {
  if (!(sketch instanceof Uint8Array)) return { ...sketch, length: sketch.keys.length };
  const sum = new Sum();
  sum.add(sketch, 1);
  const cells = sum.isCommon ? undefined : sum.take();
  return cells ? { ...cells, length: cells.keys.length } : { ...seen, length: sum.takeTo(seen) };
}

class Sum {
  #first = keys;
  #last = -1;
  /** Made where there are any: most sums have none. */
  #others: Map<number, number> | undefined;

  /** Whether all of it is of common keys. */
  get isCommon(): boolean {
    return this.#others === undefined;
  }

  add(sketch: CellsOrBytes, times: 1 | -1): void {
    if (sketch instanceof Uint8Array) this.#addBytes(sketch, times);
    else this.#addCells(sketch, times);
  }

  /** All of it, and begins anew. */
  take(): Cells {
    const others = [...(this.#others ?? [])]
      .filter(([, count]) => count > 0)
      .sort(([a], [b]) => a - b);
    const lower = others.filter(([key]) => key < keyMin);
    const found = { keys: lower.map(([key]) => key), counts: lower.map(([, count]) => count) };
    const length = this.takeTo(seen);
    for (let at = 0; at < length; at++) {
      found.keys.push(seen.keys[at] as number);
      found.counts.push(seen.counts[at] as number);
    }
    for (const [key, count] of others.slice(lower.length)) {
      found.keys.push(key);
      found.counts.push(count);
    }
    return found;
  }

  /** What is of common keys, and begins anew; how many of the lists it is. */
  takeTo({ keys, counts }: typeof seen): number {
    let length = 0;
    for (let index = this.#first; index <= this.#last; index++) {
      const count = common[index] as number;
      if (count > 0) {
        keys[length] = keyMin + index;
        counts[length++] = count;
      }
      common[index] = 0;
    }
    return length;
  }

  #addBytes(bytes: Buffer, times: 1 | -1): void {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = bytes.readInt32BE(at);
      if (word >= 0) this.#addCommon(word >> countBits, times * (word & countMax));
      else {
        const count = bytes.readInt32BE(at + 8) * 2 ** 32 + bytes.readUInt32BE(at + 12);
        this.#addAny(bytes.readInt32BE(at + 4), times * count);
        at += 12;
      }
    }
  }

  #addCells({ keys, counts }: Cells, times: 1 | -1): void {
    for (let at = 0; at < keys.length; at++) {
      this.#addAny(keys[at] as number, times * (counts[at] as number));
    }
  }

  #addAny(key: number, count: number): void {
    const index = key - keyMin;
    if (index >= 0 && index < keys) this.#addCommon(index, count);
    else {
      this.#others ??= new Map();
      this.#others.set(key, (this.#others.get(key) ?? 0) + count);
    }
  }

  #addCommon(index: number, count: number): void {
    common[index] = (common[index] as number) + count;
    if (index < this.#first) this.#first = index;
    if (index > this.#last) this.#last = index;
  }
}
