import { expect, it } from 'vitest';
import { numberOption } from '../../bench/support/numbers.ts';

it('takes numbers, and nothing else for one', () => {
  expect(numberOption('rounds', '3')).toBe(3);
  expect(numberOption('seconds', '0.5', { isWhole: false })).toBe(0.5);
  for (const text of ['x', '', ' ', '-1', '1.5', 'NaN']) {
    expect(() => numberOption('rounds', text)).toThrow(
      `--rounds: expects a whole number of at least 0, not "${text}"`,
    );
  }
  expect(() => numberOption('rounds', '0', { min: 1 })).toThrow('--rounds');
});
