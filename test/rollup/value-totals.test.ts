import { expect, it } from 'vitest';
import { ValueTotals } from '../../src/rollup/value-totals.ts';

const most = Number.MAX_VALUE;

/** Values at one place, added up there and then at another one. */
function sums(values: readonly number[], taken: readonly number[] = []): number[] {
  const [first, second] = [new ValueTotals(), new ValueTotals()];
  first.begin(0);
  second.begin(0);
  for (const value of values) first.add(0, value, 1);
  for (const value of taken) first.add(0, value, -1);
  second.addPlace(0, first, 0);
  second.add(0, 1, 1);
  return [first.sumAt(0), second.sumAt(0)];
}

it.each([
  [[most, most], [], most],
  [[most, most, 5], [], most],
  [[-most, 3, -most], [], -most],
  [[1e308, 1e308, -1e308], [], 1e308],
  [[1e308, 1e308, 1e308], [1e308, 1e308], 1e308],
  [[1e308, 1e308], [1e308, 1e308], 0],
])('the sum of %j without %j is %d, wherever it is added to', (values, taken, sum) => {
  const [here, there] = sums(values, taken);
  expect([here, there]).toEqual([sum, Math.abs(sum) > 1 ? sum : sum + 1]);
});
