import { addMeasures, type Measures } from './measures.ts';

/** What a quarter hour's records of a series add up to; of all series where that is 0. */
export interface Totals extends Measures {
  readonly quarter: number;
  readonly series: number;
  sums: number[];
}

/** Sums of doubles depend on the order. */
const toleranceOfSums = 1e-9;
const keyOf = ({ quarter, series }: Totals): string => `${quarter} ${series}`;

/** Totals with more added to them. */
export function merged(levels: readonly Totals[], fresh: readonly Totals[]): Totals[] {
  const found = new Map(levels.map((totals) => [keyOf(totals), totals]));
  for (const more of fresh) {
    const known = found.get(keyOf(more));
    if (!known) {
      found.set(keyOf(more), { ...more });
      continue;
    }
    addMeasures(known, more);
    known.sums = known.sums.map((sum, index) => sum + (more.sums[index] ?? 0));
  }
  return [...found.values()];
}

/** What of the rows' totals the others don't have. */
export function compare(
  raw: readonly Totals[],
  rolled: readonly Totals[],
): { quarter: number; what: string }[] {
  const rest = new Map(rolled.map((totals) => [keyOf(totals), totals]));
  const found: { quarter: number; what: string }[] = [];
  const tell = ({ quarter, series }: Totals, what: string) =>
    found.push({ quarter, what: `series ${series}: ${what}` });
  for (const rows of raw) {
    const totals = rest.get(keyOf(rows));
    rest.delete(keyOf(rows));
    const what = totals ? differenceOf(rows, totals) : `${rows.events} records are not rolled up`;
    if (what) tell(rows, what);
  }
  for (const totals of rest.values()) {
    if (totals.events !== 0)
      tell(totals, `${totals.events} records are rolled up, and there is none`);
  }
  return found;
}

function differenceOf(rows: Totals, rolled: Totals): string | undefined {
  for (const name of ['events', 'n', 'min', 'max'] as const) {
    if (rows[name] !== rolled[name])
      return `${name} is ${rolled[name]}, and ${rows[name]} of the rows`;
  }
  const magnitude = rows.n * Math.max(Math.abs(rows.min), Math.abs(rows.max));
  if (Math.abs(rows.sum - rolled.sum) > toleranceOfSums * magnitude) {
    return `sum is ${rolled.sum}, and ${rows.sum} of the rows`;
  }
  const index = rows.sums.findIndex((sum, at) => sum !== rolled.sums[at]);
  if (index >= 0) return `a sum is ${rolled.sums[index]}, and ${rows.sums[index]} of the rows`;
  return undefined;
}
