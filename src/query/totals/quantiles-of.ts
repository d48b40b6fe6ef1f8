import { quantile } from '../../rollup/sketch.ts';
import type { Cells } from '../../rollup/sketch-cells.ts';

/** Quantiles, within their least and greatest number; undefined where there are no numbers. */
export function quantilesOf(
  { keys, counts }: Cells,
  min: number | null,
  max: number | null,
  shares: readonly number[],
): (number | undefined)[] {
  if (keys.length === 0 || min === null || max === null) return shares.map(() => undefined);
  return shares.map((share) => quantile({ keys, counts, min, max }, share));
}
