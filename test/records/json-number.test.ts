import fc from 'fast-check';
import { expect, it } from 'vitest';
import { putJsonNumber } from '../../src/records/wire/json-number.ts';

function written(value: number): string {
  const target = Buffer.alloc(64);
  return target.toString('latin1', 0, putJsonNumber(value, target, 0));
}

const decimal = fc
  .tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.nat(9))
  .map(([digits, decimals]) => digits / 10 ** decimals);

it('writes numbers as JSON.stringify does', () => {
  const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), decimal);
  fc.assert(
    fc.property(number, (value) => {
      expect(written(value)).toBe(JSON.stringify(value));
    }),
    { numRuns: 20_000 },
  );
});

it.each([0, -0, 1e21, -1e-7, 1e-6, 0.000001, 123456.654321, 999999999, 1e9, 0.1, 24.5, 5e-324])(
  'writes %d',
  (value) => {
    expect(written(value)).toBe(JSON.stringify(value));
  },
);
