import { quantiles } from '../../rollup/sketch.ts';
import { type CellsOrBytes, cellsIn } from '../../rollup/sketch-cells.ts';

/** Quantiles, within their least and greatest number; undefined where there are no numbers. */
export function quantilesOf(
  sketch: CellsOrBytes,
  min: number | null,
  max: number | null,
  shares: readonly number[],
): (number | undefined)[] {
  if (min === null || max === null) return shares.map(() => undefined);
  const { keys, counts } = cellsIn(sketch);
  return quantiles({ keys, counts, min, max }, shares);
}
