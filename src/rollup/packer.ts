import { tables } from '../records/tables.ts';
import type { KeyTable } from './key-table.ts';
import { packed, writeQuarter } from './packed.ts';
import { type PackedRest, restOf } from './packed-rest.ts';
import { PackedWriter } from './packed-writer.ts';
import { RowFields } from './row-fields.ts';
import { quarterMs, type Shape } from './shapes.ts';

const quarterUs = quarterMs * 1000;

/** The values by which a series is known, in the order of the shape's columns in a row. */
export type SeriesValues = readonly (string | null)[];

/** Packs rows of a kind as their tuples of binary COPY are written, without an object for each. */
export class Packer {
  readonly #columns: Columns;
  readonly #fields: RowFields;
  readonly #writer = new PackedWriter();
  readonly #series: KeyTable;
  readonly #rest: PackedRest;
  /** Series that have no number yet, by their keys. */
  readonly #unknown = new Map<string, SeriesValues>();
  /** The number of what has none; 0 as long as each gets one. */
  rest = 0;
  events = 0;
  #quarter = Number.NaN;

  /** `series`: numbers by keys, which are the fields of a row's dimensions. */
  constructor(shape: Shape, series: KeyTable) {
    this.#series = series;
    this.#columns = columnsOf(shape);
    this.#fields = new RowFields(tables[shape.kind].columns.length);
    this.#rest = restOf(shape);
  }

  /** Forgets what it has packed. */
  restart(): void {
    this.#writer.restart();
    this.#unknown.clear();
    this.#quarter = Number.NaN;
    this.events = 0;
  }

  /** What it has packed; shares memory with what it packs next. */
  data(): Uint8Array {
    return this.#writer.bytes();
  }

  /** What can't be packed before each of them has a number. */
  get unknown(): SeriesValues[] {
    return [...this.#unknown.values()];
  }

  /** Packs those rows that say that they are rolled up. */
  add(rows: Uint8Array): void {
    const fields = this.#fields;
    fields.begin(rows);
    for (let at = 0; at < rows.length; ) {
      const end = fields.find(at);
      // What is damaged, PostgreSQL does not take.
      if (end <= at) return;
      // Packed, no row is longer than it was.
      this.#writer.makeRoom(end - at);
      this.#add();
      at = end;
    }
  }

  #add(): void {
    const [fields, writer, rest] = [this.#fields, this.#writer, this.#rest];
    const { rolled, time, value } = this.#columns;
    const { bytes } = fields;
    const rolledAt = fields.at(rolled, 1);
    if (rolledAt === 0 || bytes.getUint8(rolledAt) !== 1) return;
    const series = this.#findSeries();
    const timeAt = fields.at(time, 8);
    if (timeAt === 0) return;
    const quarter = quarterOf(bytes, timeAt);
    if (quarter !== this.#quarter) {
      this.#quarter = quarter;
      writeQuarter(writer, quarter);
    }
    this.events += 1;
    const valueAt = fields.at(value, 8);
    const mask = rest.mask(fields);
    writer.int32(series | (valueAt > 0 ? packed.hasValue : 0) | (mask !== 0 ? packed.hasMore : 0));
    if (valueAt > 0) writer.copyWords(bytes, valueAt);
    if (mask === 0) return;
    writer.int32(mask);
    rest.write(writer, fields, mask);
  }

  #findSeries(): number {
    const series = this.#series;
    const { bytes, starts } = this.#fields;
    const { dimensions } = this.#columns;
    series.restart();
    for (let index = 0; index < dimensions.length; index++) {
      const column = dimensions[index] as number;
      series.add(bytes, starts[column] as number, starts[column + 1] as number);
    }
    return series.find() || this.rest || this.#noteUnknown();
  }

  #noteUnknown(): number {
    const values = Array.from(this.#columns.dimensions, (column) => this.#fields.text(column));
    this.#unknown.set(JSON.stringify(values), values);
    return 0;
  }
}

/** Which columns of a table are what to us. */
interface Columns {
  readonly rolled: number;
  readonly time: number;
  /** The first of the values. */
  readonly value: number;
  readonly dimensions: Int32Array;
}

function columnsOf({ kind, dimensions, values }: Shape): Columns {
  const columns: readonly string[] = tables[kind].columns;
  return {
    rolled: columns.indexOf('rolled'),
    time: columns.indexOf('timestamp'),
    value: columns.indexOf(values[0]?.column ?? ''),
    dimensions: Int32Array.from(dimensions, (column) => columns.indexOf(column)),
  };
}

/** Microseconds since 2000, which a number holds exactly, in quarter hours. */
function quarterOf(bytes: DataView, at: number): number {
  const us = bytes.getInt32(at) * 0x1_0000_0000 + bytes.getUint32(at + 4);
  return Math.floor(us / quarterUs);
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
