import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimalMean } from '../../src/query/decimal-mean.ts';

/** In decimals throughout: of the 15 digits of a sum, to 25 more. */
function inDecimals(sum: number, count: number): number {
  const [mantissa, exponent] = sum.toExponential(14).split('e') as [string, string];
  const scaled = BigInt(mantissa.replace('.', '')) * 10n ** 25n;
  return Number(`${scaled / BigInt(count)}e${Number(exponent) - 39}`);
}

it('is that of decimals, whichever way it is worked out', () => {
  const counts = fc.oneof(
    fc.integer({ min: 1, max: 1000 }),
    fc.maxSafeInteger().filter((n) => n > 0),
  );
  const sums = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
  fc.assert(
    fc.property(sums, counts, (sum, count) => {
      expect(decimalMean(sum, count)).toBe(inDecimals(sum, count));
    }),
  );
  expect(decimalMean(0.1 + 0.2 + 0.3, 3)).toBe(0.2);
  expect(decimalMean(-0, 2)).toBe(0);
  expect(decimalMean(1, 0)).toBeNull();
});
