import { longer, PairTable } from './pair-table.ts';
import { sketchKey } from './sketch.ts';
import type { Measures } from './totals.ts';

const hugeFrom = 1e290;
/** A power of two: dividing by it loses nothing. */
const hugeUnit = 2 ** 100;

/** What the numbers of a column add up to, by place. */
export class ValueTotals {
  n = new Float64Array(256);
  #sum = new Float64Array(256);
  /** What rounding has left out of each sum: https://en.wikipedia.org/wiki/Kahan_summation_algorithm */
  #rest = new Float64Array(256);
  /** Of huge values, which together may leave the range of doubles, in `hugeUnit`; hardly ever any. */
  readonly #huge = new Map<number, number>();
  min = new Float64Array(256);
  max = new Float64Array(256);
  nans = new Float64Array(256);
  positiveInfinities = new Float64Array(256);
  negativeInfinities = new Float64Array(256);
  /** Of those that were taken away; the least is above the greatest where none was. */
  removedMin = new Float64Array(256);
  removedMax = new Float64Array(256);
  /** Numbers by their place and the key of their size. */
  readonly sketch = new PairTable();
  sketchCounts = new Float64Array(256);

  /** A place that is new; all of them have to be made, in their order. */
  begin(place: number): void {
    if (place >= this.n.length) this.#grow();
    this.min[place] = this.removedMin[place] = Infinity;
    this.max[place] = this.removedMax[place] = -Infinity;
  }

  /** `sign`: 1, or -1 for what is taken away. */
  add(place: number, value: number, sign: 1 | -1): void {
    if (!Number.isFinite(value)) {
      add(this.#odd(value), place, sign);
      return;
    }
    add(this.n, place, sign);
    this.#addToSum(place, sign * value);
    const [min, max] = sign > 0 ? [this.min, this.max] : [this.removedMin, this.removedMax];
    if (value < (min[place] as number)) min[place] = value;
    if (value > (max[place] as number)) max[place] = value;
    this.#count(place, sketchKey(value), sign);
  }

  /** Adds to one place what another has at one. */
  addPlace(to: number, other: ValueTotals, from: number): void {
    const [ours, theirs] = [this.#counts(), other.#counts()];
    for (let index = 0; index < ours.length; index++) {
      add(ours[index] as Float64Array, to, theirs[index]?.[from] as number);
    }
    this.#addToSum(to, other.#sum[from] as number);
    this.#addToSum(to, other.#rest[from] as number);
    this.#addHuge(to, other.#huge.get(from));
    for (const name of ['min', 'removedMin'] as const) {
      this[name][to] = Math.min(this[name][to] as number, other[name][from] as number);
    }
    for (const name of ['max', 'removedMax'] as const) {
      this[name][to] = Math.max(this[name][to] as number, other[name][from] as number);
    }
  }

  /** Adds the sizes that another counts to the places that `target` has for its own. */
  addSketches(other: ValueTotals, target: Int32Array): void {
    const { firsts, seconds, size } = other.sketch;
    for (let at = 0; at < size; at++) {
      const to = target[firsts[at] as number] as number;
      if (to >= 0) this.#count(to, seconds[at] as number, other.sketchCounts[at] as number);
    }
  }

  /** The sum, which may leave the range of doubles that those that make it up have not. */
  sumAt(place: number): number {
    const huge = (this.#huge.get(place) ?? 0) * hugeUnit;
    const whole = huge + (this.#sum[place] as number) + (this.#rest[place] as number);
    return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, whole)) || 0;
  }

  measuresAt(place: number): Measures {
    return {
      n: this.n[place] as number,
      sum: this.sumAt(place),
      min: this.min[place] as number,
      max: this.max[place] as number,
      nans: this.nans[place] as number,
      positive_infinities: this.positiveInfinities[place] as number,
      negative_infinities: this.negativeInfinities[place] as number,
    };
  }

  #addToSum(place: number, value: number): void {
    if (Math.abs(value) > hugeFrom) {
      this.#addHuge(place, value / hugeUnit);
      return;
    }
    const before = this.#sum[place] as number;
    const after = before + value;
    const lost =
      Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before;
    this.#sum[place] = after;
    this.#rest[place] = (this.#rest[place] as number) + lost;
  }

  #addHuge(place: number, units: number | undefined): void {
    if (units !== undefined) this.#huge.set(place, (this.#huge.get(place) ?? 0) + units);
  }

  #odd(value: number): Float64Array {
    if (value === Infinity) return this.positiveInfinities;
    return value === -Infinity ? this.negativeInfinities : this.nans;
  }

  #count(place: number, key: number, more: number): void {
    const at = this.sketch.place(place, key);
    if (at >= this.sketchCounts.length) this.sketchCounts = longer(this.sketchCounts);
    add(this.sketchCounts, at, more);
  }

  #counts(): Float64Array[] {
    return [this.n, this.nans, this.positiveInfinities, this.negativeInfinities];
  }

  #grow(): void {
    this.n = longer(this.n);
    this.#sum = longer(this.#sum);
    this.#rest = longer(this.#rest);
    this.min = longer(this.min);
    this.max = longer(this.max);
    this.nans = longer(this.nans);
    this.positiveInfinities = longer(this.positiveInfinities);
    this.negativeInfinities = longer(this.negativeInfinities);
    this.removedMin = longer(this.removedMin);
    this.removedMax = longer(this.removedMax);
  }
}

export function add(array: Float64Array, place: number, more: number): void {
  array[place] = (array[place] as number) + more;
}
