/** What values add up to: of finite ones the number, the sum, the least and the greatest. */
export interface Measures {
  events: number;
  n: number;
  sum: number;
  min: number;
  max: number;
}

/** Of no values at all. */
export const noMeasures: Readonly<Measures> = {
  events: 0,
  n: 0,
  sum: 0,
  min: Infinity,
  max: -Infinity,
};

/** As a query answers. */
export interface MeasuresRow {
  readonly events: number;
  readonly n: number;
  readonly sum: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

export const measuresOf = ({ events, n, sum, min, max }: MeasuresRow): Measures => ({
  events,
  n,
  sum: sum ?? noMeasures.sum,
  min: min ?? noMeasures.min,
  max: max ?? noMeasures.max,
});

export function addMeasures(known: Measures, more: Readonly<Measures>): void {
  known.events += more.events;
  known.n += more.n;
  known.sum += more.sum;
  known.min = Math.min(known.min, more.min);
  known.max = Math.max(known.max, more.max);
}
