import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quantiles, sketchKey, sketchValue } from '../../src/rollup/sketch.ts';
import { createDatabase } from '../support/database.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const samples = [
  0, -0, 1, -1, 1e300, -1e300, 5e-324, 1.7976931348623157e308, 0.1, 1e-310, 12_345.678,
];

const sketchOf = (numbers: readonly number[]) => {
  const keys = numbers.map(sketchKey);
  const distinct = [...new Set(keys)].sort((a, b) => a - b);
  return {
    keys: distinct,
    counts: distinct.map((key) => keys.filter((each) => each === key).length),
    min: Math.min(...numbers),
    max: Math.max(...numbers),
  };
};

it('has any double within 1 % of the value of its key, and keys in the order of doubles', () => {
  fc.assert(
    fc.property(finite, finite, (a, b) => {
      const error = Math.abs(sketchValue(sketchKey(a)) - a);
      // The least doubles are further apart than 1 %.
      expect(error).toBeLessThanOrEqual(Math.abs(a) * 0.010_000_1 + 5e-324);
      if (a < b) expect(sketchKey(a)).toBeLessThanOrEqual(sketchKey(b));
    }),
    { examples: samples.map((sample) => [sample, 1]) },
  );
});

it('finds quantiles within 1 %, and none outside of minimum and maximum', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 60 }), share, (numbers, q) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const exact = sorted[Math.floor(q * (numbers.length - 1))] as number;
      const [found] = quantiles(sketchOf(numbers), [q]) as [number];
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.010_000_1 + 5e-324);
      expect(found).toBeGreaterThanOrEqual(sorted[0] as number);
      expect(found).toBeLessThanOrEqual(sorted.at(-1) as number);
    }),
  );
  expect(quantiles({ keys: [], counts: [], min: Infinity, max: -Infinity }, [0.5])).toEqual([
    undefined,
  ]);
});

it('has the same keys and quantiles in SQL, or neighbours where a logarithm is rounded', async () => {
  const database = await createDatabase();
  const numbers = [...samples, ...fc.sample(finite, 300)];
  const rows = await database.rows<{ number: number; key: number; middle: number }>(
    `select number, telemetry_sketch_key(number) as key,
       telemetry_sketch_middle(telemetry_sketch_key(number)) as middle
     from unnest($1::float8[]) as number`,
    [numbers],
  );
  for (const { number, key, middle } of rows) {
    expect(Math.abs(key - sketchKey(number))).toBeLessThanOrEqual(1);
    expect(Math.abs(middle - number)).toBeLessThanOrEqual(Math.abs(number) * 0.010_000_1 + 5e-324);
  }
  const { keys, counts, min, max } = sketchOf([1, 2, 3, 4, 100]);
  const [found] = await database.rows<{ median: number; last: number }>(
    `select telemetry_sketch_quantile($1, $2, 0.5, $3, $4) as median,
       telemetry_sketch_quantile($1, $2, 1, $3, $4) as last`,
    [keys, counts, min, max],
  );
  expect(found?.median).toBeCloseTo(3, 1);
  expect(found?.last).toBe(100);
  await database.drop();
});
