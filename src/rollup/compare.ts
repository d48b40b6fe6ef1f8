import { decimalText } from './decimals.ts';
import { isEqual, zero } from './exact-sums.ts';
import { measureColumns, type Shape } from './shapes.ts';
import { isSameMark, placeOf } from './sketch-marks.ts';
import { addTotals, type Measures, noTotals, type Totals } from './totals.ts';

/** What a quarter hour's records of a series add up to; of all series where that is 0. */
export interface SeriesTotals extends Totals {
  readonly quarter: number;
  readonly series: number;
  /** Of each value the sum without signs; absent where nobody has added it up. */
  readonly magnitudes?: readonly number[];
  /** Of the sketch of each value. */
  readonly marks: readonly number[];
  /** Whether the least and the greatest of the values were taken away, and not found again yet. */
  readonly isRemovedFrom?: boolean;
}

/** Of the sum of magnitudes. */
const toleranceOfSums = 1e-12;
const keyOf = ({ quarter, series }: SeriesTotals): string => placeOf(quarter, series);
const sumsOf = (some: readonly number[] = [], others: readonly number[] = []) =>
  Array.from(
    { length: Math.max(some.length, others.length) },
    (_, at) => (some[at] ?? 0) + (others[at] ?? 0),
  );

/** Totals of which those of one quarter hour and series are added up. */
export function merged(shape: Shape, totals: readonly SeriesTotals[]): SeriesTotals[] {
  const found = new Map<string, SeriesTotals>();
  for (const each of totals) {
    const none = { ...each, ...noTotals(shape), magnitudes: [], marks: [] };
    const known = found.get(keyOf(each)) ?? none;
    addTotals(known, each);
    const magnitudes = sumsOf(known.magnitudes, each.magnitudes);
    const marks = sumsOf(known.marks, each.marks);
    const isRemovedFrom = Boolean(known.isRemovedFrom || each.isRemovedFrom);
    found.set(keyOf(each), { ...known, magnitudes, marks, isRemovedFrom });
  }
  return [...found.values()];
}

/** Something of a quarter hour and series that is rolled up otherwise than the rows say. */
export interface Finding {
  readonly quarter: number;
  readonly series: number;
  /** What differs, for people. */
  readonly what: string;
  /** Whether it is nothing but the sketch of a value. */
  readonly isOfSketch: boolean;
}

/** What of the rows' totals the others don't have. */
export function compare(
  shape: Shape,
  raw: readonly SeriesTotals[],
  rolled: readonly SeriesTotals[],
): Finding[] {
  const rest = new Map(rolled.map((totals) => [keyOf(totals), totals]));
  const found: Finding[] = [];
  const tell = ({ quarter, series }: SeriesTotals, what: string, isOfSketch = false) =>
    found.push({ quarter, series, what: `series ${series}: ${what}`, isOfSketch });
  for (const rows of raw) {
    const totals = rest.get(keyOf(rows));
    rest.delete(keyOf(rows));
    const what = totals
      ? differenceOf(shape, rows, totals)
      : `${rows.records} records are not rolled up`;
    if (what) tell(rows, what);
    else if (totals) {
      const sketch = sketchDifference(shape, rows, totals);
      if (sketch) tell(rows, sketch, true);
    }
  }
  for (const totals of rest.values()) {
    if (totals.records !== 0) {
      tell(totals, `${totals.records} records are rolled up, and there is none`);
    }
  }
  return found;
}

function differenceOf(shape: Shape, rows: SeriesTotals, rolled: SeriesTotals): string | undefined {
  const told = (name: string, is: unknown, should: unknown) =>
    `${name} is ${is}, and ${should} of the rows`;
  if (rows.records !== rolled.records) return told(shape.count, rolled.records, rows.records);
  for (const [index, { column }] of shape.values.entries()) {
    const [should, is] = [rows.values[index] as Measures, rolled.values[index] as Measures];
    for (const name of measureColumns) {
      if (name === 'sum') continue;
      const isExtreme = name === 'min' || name === 'max';
      if (isExtreme && (rolled.isRemovedFrom || should.n === 0)) continue;
      if (should[name] !== is[name]) return told(`${name} of ${column}`, is[name], should[name]);
    }
    const magnitude = rows.magnitudes?.[index] ?? 0;
    // The sum of the rows is rounded itself, once a row.
    const tolerance = Math.max(toleranceOfSums, should.n * Number.EPSILON) * magnitude;
    const isOff = should.n > 0 && Math.abs(should.sum - is.sum) > tolerance;
    if (isOff && !rolled.isRemovedFrom) return told(`sum of ${column}`, is.sum, should.sum);
  }
  for (const [index, { name }] of shape.sums.entries()) {
    const [should, is] = [rows.sums[index] ?? zero, rolled.sums[index] ?? zero];
    if (!isEqual(should, is)) return told(name, decimalText(is), decimalText(should));
  }
  return undefined;
}

/** Where all else is as the rows say. */
function sketchDifference(
  { values }: Shape,
  rows: SeriesTotals,
  rolled: SeriesTotals,
): string | undefined {
  const index = values.findIndex(
    (_, at) => !isSameMark(rows.marks[at] ?? 0, rolled.marks[at] ?? 0),
  );
  return index < 0
    ? undefined
    : `the sketch of ${values[index]?.column} counts others than the values of the rows`;
}
