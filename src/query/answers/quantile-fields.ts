import { type Cells, noCells } from '../../rollup/sketch-cells.ts';
import { present } from '../messages.ts';
import { quantilesOf } from '../totals/quantiles-of.ts';

/** Quantiles as answers have them: those that are not known are left out. */
export function quantileFields(cells: Cells | undefined, min: number | null, max: number | null) {
  const [p50, p95, p99] = quantilesOf(cells ?? noCells, min, max, [0.5, 0.95, 0.99]);
  return {
    ...present('p50', p50 ?? null),
    ...present('p95', p95 ?? null),
    ...present('p99', p99 ?? null),
  };
}
