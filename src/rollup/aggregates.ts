import { type Decimal, DecimalSums, WholeSums } from './exact-sums.ts';
import { longer, PairTable } from './pair-table.ts';
import type { Shape } from './shapes.ts';
import { add, ValueTotals } from './value-totals.ts';

/** Totals by bucket and series. Everything of one has the same index wherever it is kept. */
export class Aggregates {
  readonly places = new PairTable();
  records = new Float64Array(256);
  /** How many were taken away. */
  removed = new Float64Array(256);
  /** How many are counted apart; NaN where nobody knows. */
  apart = new Float64Array(256);
  readonly values: readonly ValueTotals[];
  readonly sums: readonly (WholeSums | DecimalSums)[];

  constructor(shape: Shape) {
    this.values = shape.values.map(() => new ValueTotals());
    this.sums = shape.sums.map(({ type }) =>
      type === 'decimal' ? new DecimalSums() : new WholeSums(),
    );
  }

  get size(): number {
    return this.places.size;
  }

  /** The place of a bucket's and series' totals. */
  at(bucket: number, series: number): number {
    const { places } = this;
    const before = places.size;
    const place = places.place(bucket, series);
    if (place < before) return place;
    if (place >= this.records.length) {
      this.records = longer(this.records);
      this.removed = longer(this.removed);
      this.apart = longer(this.apart);
    }
    for (const value of this.values) value.begin(place);
    return place;
  }

  sumAt(index: number, place: number): Decimal | undefined {
    return this.sums[index]?.at(place);
  }

  /** Whether a value was taken away. */
  isRemovedFrom(place: number): boolean {
    return this.values.some(
      ({ removedMin, removedMax }) =>
        (removedMin[place] as number) <= (removedMax[place] as number),
    );
  }

  /** Adds all of `other` to the totals at the place that `target` has for each; `nowhere`: to none. */
  addAll(other: Aggregates, target: Int32Array): void {
    for (let from = 0; from < other.size; from++) {
      const to = target[from] as number;
      if (to === nowhere) continue;
      add(this.records, to, other.records[from] as number);
      add(this.removed, to, other.removed[from] as number);
      add(this.apart, to, other.apart[from] as number);
      for (const [index, value] of this.values.entries()) {
        value.addPlace(to, other.values[index] as ValueTotals, from);
      }
      for (const [index, sum] of this.sums.entries()) {
        // Of the same shape: both are of the same type.
        sum.addPlace(to, other.sums[index] as never, from);
      }
    }
    for (const [index, value] of this.values.entries()) {
      value.addSketches(other.values[index] as ValueTotals, target);
    }
  }
}

/** The place of what is left out. */
export const nowhere = -1;
