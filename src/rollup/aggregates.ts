import type { PackedReader } from './packed.ts';
import { longer, PairTable } from './pair-table.ts';
import { sketchKey } from './sketch.ts';

/** Each sum of whole numbers is kept in two parts, so that numbers hold it exactly. */
const lowPart = 2 ** 26;

/** Totals by bucket and series. Everything of one has the same index in all of its arrays. */
export class Aggregates {
  readonly places = new PairTable();
  events = new Float64Array(256);
  n = new Float64Array(256);
  sum = new Float64Array(256);
  min = new Float64Array(256);
  max = new Float64Array(256);
  nans = new Float64Array(256);
  positiveInfinities = new Float64Array(256);
  negativeInfinities = new Float64Array(256);
  /** For each of the sums: the high parts, the low parts, and how many numbers there are in it. */
  readonly high: Float64Array[];
  readonly low: Float64Array[];
  readonly given: Float64Array[];
  /** Numbers by the place of their totals and the key of their size. */
  readonly sketch = new PairTable();
  sketchCounts = new Float64Array(256);

  /** `sums`: how many a record has. */
  constructor(sums: number) {
    const arrays = () => Array.from({ length: sums }, () => new Float64Array(256));
    this.high = arrays();
    this.low = arrays();
    this.given = arrays();
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
    if (place >= this.events.length) this.#grow();
    this.min[place] = Infinity;
    this.max[place] = -Infinity;
    return place;
  }

  /** A sum of whole numbers; undefined where there is none. */
  wholeAt(index: number, place: number): bigint | undefined {
    if (this.given[index]?.[place] === 0) return undefined;
    const [high, low] = [this.high[index]?.[place], this.low[index]?.[place]] as [number, number];
    return BigInt(high) * BigInt(lowPart) + BigInt(low);
  }

  addValue(place: number, value: number): void {
    if (!Number.isFinite(value)) {
      this.#addOdd(place, value);
      return;
    }
    this.n[place] = (this.n[place] as number) + 1;
    this.sum[place] = (this.sum[place] as number) + value;
    if (value < (this.min[place] as number)) this.min[place] = value;
    if (value > (this.max[place] as number)) this.max[place] = value;
    this.#count(place, sketchKey(value), 1);
  }

  #addOdd(place: number, value: number): void {
    let odd = this.nans;
    if (value === Infinity) odd = this.positiveInfinities;
    else if (value === -Infinity) odd = this.negativeInfinities;
    odd[place] = (odd[place] as number) + 1;
  }

  /** A whole number; NaN for none. */
  addSum(place: number, index: number, value: number): void {
    if (Number.isNaN(value)) return;
    const high = Math.floor(value / lowPart);
    this.#add(this.high[index] as Float64Array, place, high);
    this.#add(this.low[index] as Float64Array, place, value - high * lowPart);
    this.#add(this.given[index] as Float64Array, place, 1);
  }

  #add(array: Float64Array, place: number, more: number): void {
    array[place] = (array[place] as number) + more;
  }

  #count(place: number, key: number, more: number): void {
    const at = this.sketch.place(place, key);
    if (at >= this.sketchCounts.length) this.sketchCounts = longer(this.sketchCounts);
    this.sketchCounts[at] = (this.sketchCounts[at] as number) + more;
  }

  /** Adds all of `other` to the totals at the place that `target` has for each; `nowhere`: to none. */
  addAll(other: Aggregates, target: Int32Array): void {
    const [ours, theirs] = [this.#counts(), other.#counts()];
    for (let from = 0; from < other.size; from++) {
      const to = target[from] as number;
      if (to === nowhere) continue;
      for (let index = 0; index < ours.length; index++) {
        this.#add(ours[index] as Float64Array, to, theirs[index]?.[from] as number);
      }
      this.min[to] = Math.min(this.min[to] as number, other.min[from] as number);
      this.max[to] = Math.max(this.max[to] as number, other.max[from] as number);
    }
    const { firsts, seconds, size } = other.sketch;
    for (let at = 0; at < size; at++) {
      const to = target[firsts[at] as number] as number;
      if (to !== nowhere) this.#count(to, seconds[at] as number, other.sketchCounts[at] as number);
    }
  }

  /** Whatever is added up. */
  #counts(): Float64Array[] {
    const { events, n, sum, nans, positiveInfinities, negativeInfinities } = this;
    const plain = [events, n, sum, nans, positiveInfinities, negativeInfinities];
    return [...plain, ...this.high, ...this.low, ...this.given];
  }

  #grow(): void {
    this.events = longer(this.events);
    this.n = longer(this.n);
    this.sum = longer(this.sum);
    this.min = longer(this.min);
    this.max = longer(this.max);
    this.nans = longer(this.nans);
    this.positiveInfinities = longer(this.positiveInfinities);
    this.negativeInfinities = longer(this.negativeInfinities);
    for (const arrays of [this.high, this.low, this.given]) {
      for (const [index, array] of arrays.entries()) arrays[index] = longer(array);
    }
  }
}

/** The place of what is left out. */
export const nowhere = -1;

/** Adds packed records up by quarter hour and series. */
export class PackedAggregates implements PackedReader {
  readonly totals: Aggregates;
  readonly #sums: number;
  #data: Buffer = Buffer.alloc(0);

  constructor(sums: number) {
    this.#sums = sums;
    this.totals = new Aggregates(sums);
  }

  /** What the records are read from. */
  set data(data: Buffer) {
    this.#data = data;
  }

  record(quarter: number, series: number, hasValue: boolean, value: number, sumsAt: number): void {
    const { totals } = this;
    const place = totals.at(quarter, series);
    totals.events[place] = (totals.events[place] as number) + 1;
    if (hasValue) totals.addValue(place, value);
    if (sumsAt === 0) return;
    for (let index = 0; index < this.#sums; index++) {
      totals.addSum(place, index, this.#data.readDoubleBE(sumsAt + 8 * index));
    }
  }
}
