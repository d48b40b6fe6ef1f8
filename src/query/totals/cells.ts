import { quantile } from '../../rollup/sketch.ts';

/** How many numbers there are by the key of their size. */
export type Cells = Map<number, number>;

export function addCells(cells: Cells, more: Cells): void {
  for (const [key, count] of more) cells.set(key, (cells.get(key) ?? 0) + count);
}

/** Quantiles, within their least and greatest number; undefined where there are no numbers. */
export function quantilesOf(
  cells: Cells,
  min: number | null,
  max: number | null,
  shares: readonly number[],
): (number | undefined)[] {
  if (cells.size === 0 || min === null || max === null) return shares.map(() => undefined);
  const ordered = [...cells].sort(([a], [b]) => a - b);
  const keys = ordered.map(([key]) => key);
  const counts = ordered.map(([, count]) => count);
  return shares.map((share) => quantile({ keys, counts, min, max }, share));
}
