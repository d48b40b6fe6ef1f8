import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decimalText } from '../../src/prices/decimal.ts';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { fieldNumeric } from '../../src/records/numeric.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const units = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 30n }),
  fc.bigInt({ min: 0n, max: 10n ** 20n }),
  fc
    .tuple(fc.nat(9999), fc.nat(28))
    .map(([digits, zeros]) => BigInt(digits) * 10n ** BigInt(zeros)),
);

it('computed costs are stored to the last digit, whatever their size', async () => {
  const property = fc.asyncProperty(fc.array(units, { minLength: 100 }), async (costs) => {
    const stored = costs.map((cost) => {
      const writer = new ByteWriter();
      writer.restart();
      fieldNumeric(writer, cost);
      return Buffer.from(writer.bytes().subarray(4));
    });
    const columns = stored.map((_, index) => `$${index + 1}::numeric::text`).join(', ');
    const { rows } = await database.pool.query({
      text: `select array[${columns}] as texts`,
      values: stored,
    });
    expect(rows[0].texts).toEqual(costs.map((cost) => decimalText(cost)));
  });
  await fc.assert(property, {
    numRuns: 10,
    examples: [[Array.from({ length: 31 }, (_, power) => 10n ** BigInt(power))], [[0n]]],
  });
});
