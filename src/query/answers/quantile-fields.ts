import { type CellsOrBytes, noCells } from '../../rollup/sketch-cells.ts';
import { quantilesOf } from '../totals/quantiles-of.ts';

/** Quantiles as answers have them: undefined where they are not known. */
export function quantileFields(
  cells: CellsOrBytes = noCells,
  min: number | null,
  max: number | null,
) {
  const [p50, p95, p99] = quantilesOf(cells, min, max, [0.5, 0.95, 0.99]);
  return { p50, p95, p99 };
}
