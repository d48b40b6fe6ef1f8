import { ByteWriter } from '../records/byte-writer.ts';
import { tables } from '../records/tables.ts';
import type { KeyTable } from './key-table.ts';
import { packed, writeQuarter } from './packed.ts';
import { type PackedRest, restOf } from './packed-rest.ts';
import { quarterMs, type Shape } from './shapes.ts';
import { copyWords } from './usage-rest.ts';

const quarterUs = quarterMs * 1000;
/** What a column of a row is to us. */
const role = { none: 0, dimension: 1, value: 2, rest: 3, rolled: 4, time: 5 } as const;

/** The values by which a series is known, in the order of the shape's columns in a row. */
export type SeriesValues = readonly (string | null)[];

/** Packs rows of a kind as their tuples of binary COPY are written, without an object for each. */
export class Packer {
  readonly #roles: Uint8Array;
  readonly #writer = new ByteWriter();
  readonly #series: KeyTable;
  readonly #rest: PackedRest;
  /** Series that have no number yet, by their keys. */
  readonly #unknown = new Map<string, SeriesValues>();
  /** The number of what has none; 0 as long as each gets one. */
  rest = 0;
  events = 0;
  #quarter = Number.NaN;
  // Of the row that is being read.
  #time = Number.NaN;
  #valueAt = 0;
  #rolled = false;

  /** `series`: numbers by keys, which are the fields of a row's dimensions. */
  constructor(shape: Shape, series: KeyTable) {
    this.#series = series;
    this.#rest = restOf(shape);
    this.#roles = Uint8Array.from(tables[shape.kind].columns, (column: string) => {
      if (shape.dimensions.includes(column)) return role.dimension;
      if (column === shape.values[0]?.column) return role.value;
      if (this.#rest.wants(column)) return role.rest;
      if (column === 'rolled') return role.rolled;
      return column === 'timestamp' ? role.time : role.none;
    });
  }

  /** Forgets what it has packed. */
  restart(): void {
    this.#writer.restart();
    this.#unknown.clear();
    this.#quarter = Number.NaN;
    this.events = 0;
  }

  /** What it has packed, in memory of its own. */
  data(): Uint8Array {
    return this.#writer.copy();
  }

  /** What can't be packed before each of them has a number. */
  get unknown(): SeriesValues[] {
    return [...this.#unknown.values()];
  }

  /** Packs those rows that say that they are rolled up. */
  add(rows: Uint8Array): void {
    const bytes = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    this.#rest.begin(bytes);
    for (let at = 0; at < rows.length; ) {
      const end = this.#read(bytes, at);
      // What is damaged, PostgreSQL does not take.
      if (end <= at) return;
      if (this.#rolled) this.#write(bytes);
      at = end;
    }
  }

  /** Finds what is wanted of a row; returns where it ends. */
  #read(bytes: DataView, start: number): number {
    const roles = this.#roles;
    const series = this.#series;
    const all = bytes.byteLength;
    if (start + 2 > all) return start;
    const fields = bytes.getUint16(start);
    let at = start + 2;
    series.restart();
    this.#rolled = false;
    this.#valueAt = 0;
    this.#rest.restart();
    for (let field = 0; field < fields; field++) {
      const from = at + 4;
      if (from > all) return start;
      const length = bytes.getInt32(at);
      const to = length > 0 ? from + length : from;
      if (to > all) return start;
      switch (roles[field]) {
        case role.dimension:
          series.add(bytes, at, to);
          break;
        case role.value:
          if (length === 8) this.#valueAt = from;
          break;
        case role.rest:
          if (length > 0) this.#rest.note(field, from, to);
          break;
        case role.time:
          if (length === 8) this.#time = quarterOf(bytes, from);
          break;
        case role.rolled:
          this.#rolled = length === 1 && bytes.getUint8(from) === 1;
          break;
        default:
      }
      at = to;
    }
    return at;
  }

  #write(bytes: DataView): void {
    const series = this.#series.find() || this.rest || this.#noteUnknown();
    if (this.#time !== this.#quarter) {
      this.#quarter = this.#time;
      writeQuarter(this.#writer, this.#time);
    }
    this.events += 1;
    const hasValue = this.#valueAt > 0;
    const mask = this.#rest.mask();
    this.#writer.int32(
      series | (hasValue ? packed.hasValue : 0) | (mask !== 0 ? packed.hasMore : 0),
    );
    if (hasValue) copyWords(this.#writer, bytes, this.#valueAt);
    if (mask === 0) return;
    this.#writer.int32(mask);
    this.#rest.write(this.#writer);
  }

  #noteUnknown(): number {
    const { key, length } = this.#series;
    const fields = Buffer.from(key.buffer, 0, length);
    const name = fields.toString('latin1');
    if (!this.#unknown.has(name)) this.#unknown.set(name, valuesOf(fields));
    return 0;
  }
}

/** Microseconds since 2000, which a number holds exactly, in quarter hours. */
function quarterOf(bytes: DataView, at: number): number {
  const us = bytes.getInt32(at) * 0x1_0000_0000 + bytes.getUint32(at + 4);
  return Math.floor(us / quarterUs);
}

/** Of a key, as `KeyTable` has it. */
function valuesOf(fields: Buffer): (string | null)[] {
  const values: (string | null)[] = [];
  for (let at = 0; at < fields.length; ) {
    const length = fields.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : fields.toString('utf8', at, at + length));
    at += Math.max(0, length);
  }
  return values;
}

/** The key of a series. */
export function addKey(series: KeyTable, values: SeriesValues): void {
  series.restart();
  for (const value of values) {
    const field = Buffer.from(`    ${value ?? ''}`);
    field.writeInt32BE(value === null ? -1 : field.length - 4);
    series.add(new DataView(field.buffer, field.byteOffset, field.length), 0, field.length);
  }
}
