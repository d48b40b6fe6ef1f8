import { ByteWriter, postgresEpochUs } from '../records/byte-writer.ts';
import type { Aggregates } from './aggregates.ts';
import { fieldDecimal } from './decimals.ts';
import { zero } from './exact-sums.ts';
import { levelColumns, quarterMs, type Shape } from './shapes.ts';
import { cellBytes, writeCell } from './sketch-cells.ts';
import type { ValueTotals } from './value-totals.ts';

const int4Oid = 23;
const countMax = 2 ** 31 - 1;
/** Keys and counts are sorted together, as one number each; what is taken away has counts below 0. */
const countRange = 2 ** 32;
const countOffset = 2 ** 31;

/** The time at which a quarter hour begins, in microseconds since 1970. */
const quarterUs = (quarter: number): number => quarter * quarterMs * 1000 + postgresEpochUs;

/** Totals as tuples of binary COPY, in the order of `levelColumns`. */
export function levelRows(shape: Shape, totals: Aggregates): Uint8Array {
  const writer = new ByteWriter();
  const columns = levelColumns(shape).length;
  const { places } = totals;
  const sketches = totals.values.map((value) => sketchesOf(value, totals.size));
  for (let place = 0; place < totals.size; place++) {
    writer.int16(columns);
    writer.fieldTimestamp(quarterUs(places.firsts[place] as number));
    writer.int32(4);
    writer.int32(places.seconds[place] as number);
    writer.fieldInt64(totals.records[place] as number);
    for (const value of totals.values) writeMeasures(writer, value, place);
    for (const [index, { nullable }] of shape.sums.entries()) {
      const sum = totals.sumAt(index, place);
      if (!sum && nullable) writer.fieldNull();
      else fieldDecimal(writer, sum ?? zero);
    }
    if (shape.apart) writeCount(writer, totals.apart[place] as number);
    for (const { starts, cells } of sketches) {
      writeSketch(writer, cells.subarray(starts[place], starts[place + 1]).sort());
    }
  }
  return writer.copy();
}

/** The sketch of each place, one after the other. */
function sketchesOf({ sketch, sketchCounts }: ValueTotals, size: number) {
  const starts = new Int32Array(size + 1);
  for (let at = 0; at < sketch.size; at++) {
    const after = (sketch.firsts[at] as number) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let place = 0; place < size; place++) {
    starts[place + 1] = (starts[place + 1] as number) + (starts[place] as number);
  }
  const next = starts.slice();
  const cells = new Float64Array(sketch.size);
  for (let at = 0; at < sketch.size; at++) {
    const place = sketch.firsts[at] as number;
    const to = next[place] as number;
    next[place] = to + 1;
    const count = Math.min(countMax, sketchCounts[at] as number);
    cells[to] = (sketch.seconds[at] as number) * countRange + count + countOffset;
  }
  return { starts, cells };
}

function writeMeasures(writer: ByteWriter, value: ValueTotals, place: number): void {
  const hasExtremes = (value.min[place] as number) <= (value.max[place] as number);
  const hasAny = hasExtremes || value.n[place] !== 0;
  writer.fieldInt64(value.n[place] as number);
  writer.fieldFloat64(hasAny ? value.sumAt(place) : undefined);
  writer.fieldFloat64(hasExtremes ? (value.min[place] as number) : undefined);
  writer.fieldFloat64(hasExtremes ? (value.max[place] as number) : undefined);
  writer.fieldInt64(value.nans[place] as number);
  writer.fieldInt64(value.positiveInfinities[place] as number);
  writer.fieldInt64(value.negativeInfinities[place] as number);
}

/** NaN: nobody knows. */
function writeCount(writer: ByteWriter, count: number): void {
  if (Number.isNaN(count)) writer.fieldNull();
  else writer.fieldInt64(count);
}

const keyOf = (cell: number): number => Math.floor(cell / countRange);
const countOf = (cell: number): number => cell - keyOf(cell) * countRange - countOffset;

function writeSketch(writer: ByteWriter, cells: Float64Array): void {
  writeInts(writer, cells, keyOf);
  writeInts(writer, cells, countOf);
  writer.int32(cells.reduce((bytes, cell) => bytes + cellBytes(keyOf(cell), countOf(cell)), 0));
  for (const cell of cells) writeCell(writer, keyOf(cell), countOf(cell));
}

/** https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c (array_recv) */
function writeInts(
  writer: ByteWriter,
  cells: Float64Array,
  numberOf: (cell: number) => number,
): void {
  const hasAny = cells.length > 0;
  writer.int32((hasAny ? 20 : 12) + 8 * cells.length);
  writer.int32(hasAny ? 1 : 0);
  writer.int32(0);
  writer.int32(int4Oid);
  if (!hasAny) return;
  writer.int32(cells.length);
  writer.int32(1);
  for (const cell of cells) {
    writer.int32(4);
    writer.int32(numberOf(cell));
  }
}
