import { expect, it } from 'vitest';
import { usageTotalsMessage } from '../../src/query/answers/usage-message.ts';

const rateOf = (input_tokens: number, cached_tokens: number) =>
  usageTotalsMessage({ sums: { requests: 2, input_tokens, cached_tokens }, cells: [] })
    .cacheHitRate;

it.each([
  [10, 4, 0.4],
  [5, 6, 1],
  [5, -1, 0],
  [0, 6, undefined],
])('of %i tokens of input and %i cached ones the rate is %s, a share', (input, cached, rate) => {
  expect(rateOf(input, cached)).toBe(rate);
});
