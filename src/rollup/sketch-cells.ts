import { type RawBuilder, sql } from 'kysely';
import type { Shape } from './shapes.ts';

/**
 * A sketch in one piece: for each key of four bytes the key and its count, or, where these are out
 * of the common, a mark, the key in four bytes and the count in eight. In no order; the counts of a
 * key that is there several times belong together.
 */
export const [keyMin, keys] = [35_904, 2 ** 13];
export const countBits = 18;
export const countMax = 2 ** countBits - 1;
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

/** A sketch in one piece. */
export function bytesOf({ keys, counts }: Cells): Buffer {
  let length = 0;
  for (let at = 0; at < keys.length; at++) {
    length += cellBytes(keys[at] as number, counts[at] as number);
  }
  const bytes = Buffer.allocUnsafe(length);
  let end = 0;
  const writer: CellWriter = {
    int32: (value) => {
      end = bytes.writeInt32BE(value, end);
    },
    int64: (value) => {
      end = bytes.writeBigInt64BE(BigInt(value), end);
    },
  };
  for (let at = 0; at < keys.length; at++) {
    writeCell(writer, keys[at] as number, counts[at] as number);
  }
  return bytes;
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
