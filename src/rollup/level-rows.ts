import { ByteWriter, postgresEpochUs } from '../records/byte-writer.ts';
import type { Aggregates } from './aggregates.ts';
import { fieldWhole } from './field-whole.ts';
import { quarterMs } from './shapes.ts';

const int4Oid = 23;
const columnsBeside = 12;
const countMax = 2 ** 31 - 1;
/** Keys and counts are sorted together, as one number each. */
const countRange = 2 ** 32;

/** The time at which a quarter hour begins, in microseconds since 1970. */
const quarterUs = (quarter: number): number => quarter * quarterMs * 1000 + postgresEpochUs;

/** Totals as tuples of binary COPY, in the order of `levelColumns`. */
export function levelRows(totals: Aggregates): Uint8Array {
  const writer = new ByteWriter();
  const { starts, cells } = sketches(totals);
  for (let place = 0; place < totals.size; place++) {
    writeTotals(writer, totals, place);
    const sketch = cells.subarray(starts[place], starts[place + 1]).sort();
    writeInts(writer, sketch, (cell) => Math.floor(cell / countRange));
    writeInts(writer, sketch, (cell) => cell - Math.floor(cell / countRange) * countRange);
  }
  return writer.copy();
}

/** The sketch of each place, one after the other. */
function sketches({ sketch, sketchCounts, size }: Aggregates) {
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
    cells[to] = (sketch.seconds[at] as number) * countRange + count;
  }
  return { starts, cells };
}

function writeTotals(writer: ByteWriter, totals: Aggregates, place: number): void {
  const { places, n } = totals;
  const isEmpty = n[place] === 0;
  const double = (array: Float64Array) =>
    writer.fieldFloat64(isEmpty ? undefined : limited(array[place] as number));
  writer.int16(columnsBeside + totals.given.length);
  writer.fieldTimestamp(quarterUs(places.firsts[place] as number));
  writer.int32(4);
  writer.int32(places.seconds[place] as number);
  writer.fieldInt64(totals.events[place] as number);
  writer.fieldInt64(n[place] as number);
  double(totals.sum);
  double(totals.min);
  double(totals.max);
  writer.fieldInt64(totals.nans[place] as number);
  writer.fieldInt64(totals.positiveInfinities[place] as number);
  writer.fieldInt64(totals.negativeInfinities[place] as number);
  for (const index of totals.given.keys()) {
    const whole = totals.wholeAt(index, place);
    if (whole === undefined) writer.fieldNull();
    else fieldWhole(writer, whole);
  }
}

/** A sum may leave the range of doubles, which those that make it up have not. */
const limited = (value: number): number =>
  Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));

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
