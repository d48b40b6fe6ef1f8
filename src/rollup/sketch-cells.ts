import { isDeepStrictEqual } from 'node:util';
import { type RawBuilder, sql } from 'kysely';
import type { Shape } from './shapes.ts';

/**
 * A sketch in one piece: for each key of four bytes the key and its count, or, where these are out
 * of the common, a mark, the key in four bytes and the count in eight. In no order; the counts of a
 * key that is there several times belong together.
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

/** The same in SQL, as an expression: workers of a cluster know no function of it. */
export const sqlCell = (key: RawBuilder<unknown>, count: RawBuilder<unknown>) => sql<Buffer>`
  case when ${key} between ${sql.lit(keyMin)} and ${sql.lit(keyMin + keys - 1)}
      and ${count} between 0 and ${sql.lit(countMax)}
    then int4send(((${key} - ${sql.lit(keyMin)}) << ${sql.lit(countBits)}) | ${count}::int)
    else int4send(${sql.lit(mark)}) || int4send(${key}) || int8send(${count}) end`;

/** A sketch of arrays in one piece. */
export const sqlCells = (keys: RawBuilder<unknown>, counts: RawBuilder<unknown>) => sql<Buffer>`(
  select string_agg(${sqlCell(sql`key`, sql`count`)}, '')
  from unnest(${keys}, ${counts}) as cell (key, count))`;

/** That of a value of a level's row; empty where it has none. */
export const cellsOf = (prefix: string): RawBuilder<unknown> =>
  sql`coalesce(${sqlCells(sql.ref(`${prefix}keys`), sql.ref(`${prefix}counts`))}, '')`;

/** Assigns to each value of a level's row that one. */
export const cellsAnew = ({ values }: Shape): RawBuilder<unknown> =>
  sql.join(values.map(({ prefix }) => sql`${sql.ref(`${prefix}cells`)} = ${cellsOf(prefix)}`));

/** How many there are of each key, in the order of the keys. */
export interface Cells {
  readonly keys: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

export const noCells: Cells = { keys: [], counts: [] };

/** A sketch in one piece, which has been `checked`, or as it was added up. */
export type CellsOrBytes = Buffer | Cells;

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

/** Bytes that are no sketch. */
export class DamagedSketch extends Error {}

/** The same bytes. Throws `DamagedSketch` where they are no sketch. */
export function checked(bytes: Buffer): Buffer {
  if (bytes.length % 4 !== 0) throw new DamagedSketch('it ends within a word');
  for (let at = 0; at < bytes.length; at += 4) {
    // Marks are negative.
    if ((bytes[at] as number) < 128) continue;
    const word = bytes.readInt32BE(at);
    if (word !== mark) throw new DamagedSketch(`${word} is no cell`);
    if (at + 16 > bytes.length) throw new DamagedSketch('it ends within a cell');
    at += 12;
  }
  return bytes;
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

class Sum {
  #first = keys;
  #last = -1;
  readonly #others = new Map<number, number>();

  add(sketch: CellsOrBytes, times: 1 | -1): void {
    if (sketch instanceof Uint8Array) this.#addBytes(sketch, times);
    else this.#addCells(sketch, times);
  }

  /** All of it, and begins anew. */
  take(): Cells {
    const others = [...this.#others].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
    const lower = others.filter(([key]) => key < keyMin);
    const found = { keys: lower.map(([key]) => key), counts: lower.map(([, count]) => count) };
    for (let index = this.#first; index <= this.#last; index++) {
      const count = common[index] as number;
      if (count > 0) {
        found.keys.push(keyMin + index);
        found.counts.push(count);
      }
      common[index] = 0;
    }
    for (const [key, count] of others.slice(lower.length)) {
      found.keys.push(key);
      found.counts.push(count);
    }
    return found;
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
    else this.#others.set(key, (this.#others.get(key) ?? 0) + count);
  }

  #addCommon(index: number, count: number): void {
    common[index] = (common[index] as number) + count;
    if (index < this.#first) this.#first = index;
    if (index > this.#last) this.#last = index;
  }
}
