/**
 * Quantiles with a relative error of 1 %, by counting values in buckets whose bounds grow by a
 * factor: two sketches merge by adding their counts.
 * DDSketch: https://www.vldb.org/pvldb/vol12/p2195-masson.pdf
 */

/** ln(1.01 / 0.99); the functions in SQL have the same digits, so that both agree on borders. */
const sketchLogFactor = 0.020000666706669435;
/** Keys of positive numbers are above it, whatever the number: the least double has -37,222. */
const sketchKeyOffset = 40_000;
/** ln(0.99): from the upper bound of a bucket to what is within 1 % of all of it. */
const logToMiddle = -0.010050335853501442;

/** The bucket of a finite number, in the order of the numbers; 0 for 0. */
export function sketchKey(value: number): number {
  if (value === 0) return 0;
  const key = Math.ceil(Math.log(Math.abs(value)) / sketchLogFactor) + sketchKeyOffset;
  return value < 0 ? -key : key;
}

/** A number within 1 % of all those of a bucket. */
export function sketchValue(key: number): number {
  if (key === 0) return 0;
  const power = (Math.abs(key) - sketchKeyOffset) * sketchLogFactor + logToMiddle;
  const value = Math.min(Math.exp(power), Number.MAX_VALUE);
  return key < 0 ? -value : value;
}

/** A sketch: buckets in order, and how many numbers each has. */
export interface Sketch {
  readonly keys: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
  /** Where it is the beginning of longer lists. */
  readonly length?: number;
  readonly min: number;
  readonly max: number;
}

/** The numbers of which shares of the others are not above; undefined for an empty sketch. */
export function quantiles(sketch: Sketch, shares: readonly number[]): (number | undefined)[] {
  const { counts, length = counts.length } = sketch;
  let total = 0;
  for (let index = 0; index < length; index++) total += counts[index] as number;
  return shares.map((share) => (total <= 0 ? undefined : atRank(sketch, share * (total - 1))));
}

function atRank(sketch: Sketch, rank: number): number {
  const { keys, counts, min, max, length = keys.length } = sketch;
  let seen = 0;
  for (let index = 0; index < length; index++) {
    seen += counts[index] as number;
    if (seen > rank) return Math.min(max, Math.max(min, sketchValue(keys[index] as number)));
  }
  return max;
}
