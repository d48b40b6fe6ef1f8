import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { copyRows } from '../../src/commit/copy.ts';
import { tables } from '../../src/records/tables.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { amount, encodeOptions } from './generators.ts';

describe('costs', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  /** Rows whose numeric is not, digit for digit, the decimal text that JavaScript writes. */
  async function differing(costs: readonly number[]): Promise<unknown[]> {
    const usage = costs.map((costUsd, index) =>
      create(UsageSchema, { model: String(index), costUsd }),
    );
    const batch = encodeBatch({ batchId: '', events: [], usage }, encodeOptions);
    expect(batch.answer.rejections).toEqual([]);
    const client = await database.pool.connect();
    try {
      await client.query('begin');
      await copyRows(client, [{ table: tables.usage, rows: [batch.rows.usage.copy] }]);
      const { rows } = await client.query(
        `select expected, cost_usd::text as stored
        from usage_stats
        full join unnest($1::text[]) with ordinality as given (expected, position)
          on position = model::int + 1
        where expected::numeric::text is distinct from cost_usd::text`,
        [costs.map(String)],
      );
      return rows;
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  it('at the edges are stored as the decimals that they are written as', async () => {
    const edges = [
      0,
      -0,
      0.1,
      0.5,
      1,
      9,
      10,
      99,
      100,
      999,
      1000,
      9999,
      10_000,
      10_001,
      99_999_999,
      100_000_000,
      12345.6789,
      0.0001,
      0.00001,
      0.001,
      0.01,
      1e-7,
      1.5e-7,
      123e-9,
      1e15,
      1e16,
      1e20,
      1e21,
      1e22,
      1.2345e25,
      5e-324,
      2.2250738585072014e-308,
      1.7976931348623157e308,
      2 ** 53,
      0.1 + 0.2,
      1000.0001,
      10_000_000.00001,
      4.35,
      0.000_03,
    ];
    expect(await differing(edges)).toEqual([]);
  });

  it('at every power of ten keep their digits in the right places', async () => {
    const powers = Array.from({ length: 632 }, (_, index) => Number(`1.2345e${index - 323}`));
    expect(await differing(powers)).toEqual([]);
  });

  it('of any size are stored as the decimals that they are written as', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.oneof(amount, fc.double({ min: 0, max: 1000, noNaN: true })), {
        minLength: 50,
        maxLength: 200,
      }),
      async (costs) => {
        expect(await differing(costs)).toEqual([]);
      },
    );
    await fc.assert(property, { seed: 7, numRuns: 8 });
  });
});
