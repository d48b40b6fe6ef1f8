import { quantiles } from '../../rollup/sketch.ts';
import type { CellsOrBytes } from '../../rollup/sketch-cells.ts';
import { glanceAt } from '../../rollup/sketch-sums.ts';

/** Quantiles, within their least and greatest number; undefined where there are no numbers. */
export function quantilesOf(
  sketch: CellsOrBytes,
  min: number | null,
  max: number | null,
  shares: readonly number[],
): (number | undefined)[] {
  if (min === null || max === null) return shares.map(() => undefined);
  return quantiles({ ...glanceAt(sketch), min, max }, shares);
}
