import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { joinSketches } from '../../src/rollup/join-sketches.ts';
import { mergeNoted, settle } from '../../src/rollup/merge.ts';
import {
  cellBytes,
  checked,
  DamagedSketch,
  sqlCells,
  writeCell,
} from '../../src/rollup/sketch-cells.ts';
import { cellsIn, sumOfSketches } from '../../src/rollup/sketch-sums.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeAll(async () => {
  database = await createDatabase();
  work = rollupWork(database);
});
afterAll(async () => {
  await work.end();
  await database.drop();
});

type Cell = readonly [key: number, count: number];

function written(cells: readonly Cell[]): Buffer {
  const writer = new ByteWriter();
  for (const [key, count] of cells) writeCell(writer, key, count);
  return Buffer.from(writer.bytes());
}

/** Around the bounds of what is common, and anywhere else. */
const cell = fc.tuple(
  fc.oneof(
    fc.integer({ min: 39_000, max: 41_000 }),
    fc.constantFrom(0, 35_903, 35_904, 44_095, 44_096, -40_000, -44_095),
    fc.integer({ min: -80_000, max: 80_000 }),
  ),
  fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(262_143, 262_144, 2 ** 31 - 1, 2 ** 40),
  ),
);

describe('a sketch in one piece', () => {
  it('is the same as SQL writes it, and adds up to what it was made of', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { maxLength: 40 }), async (cells) => {
        const { rows } = await sql<{ cells: Buffer | null }>`
          select ${sqlCells(
            sql`${cells.map(([key]) => key)}::int[]`,
            sql`${cells.map(([, count]) => count)}::bigint[]`,
          )} as cells`.execute(work.db);
        const bytes = written(cells);
        expect(rows[0]?.cells ?? Buffer.alloc(0)).toEqual(bytes);
        expect(bytes.length).toBe(cells.reduce((sum, each) => sum + cellBytes(...each), 0));
        const expected = new Map<number, number>();
        for (const [key, count] of [...cells, ...cells].sort(([a], [b]) => a - b)) {
          if (count > 0) expected.set(key, (expected.get(key) ?? 0) + count);
        }
        const half = cellsIn(checked(bytes));
        const { keys, counts } = sumOfSketches([half, bytes]);
        expect({ keys, counts }).toEqual({
          keys: [...expected.keys()],
          counts: [...expected.values()],
        });
      }),
      { numRuns: 50 },
    );
  });

  it('has nothing of what was taken away', () => {
    const taken: Cell[] = [
      [40_001, -3],
      [40_002, -2],
      [40_000, -1],
    ];
    const there: Cell[] = [
      [40_000, 1],
      [40_001, 3],
      [40_002, 5],
    ];
    const found = sumOfSketches([written(taken), written(there)]);
    expect(found).toEqual({ keys: [40_002], counts: [3] });
    expect(sumOfSketches([])).toEqual({ keys: [], counts: [] });
  });

  it('that is damaged is none', () => {
    const whole = written([[40_000, 1]]);
    const end = Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]);
    for (const damaged of [whole.subarray(1), Buffer.concat([whole, end]), Buffer.alloc(4, 128)]) {
      expect(() => checked(damaged)).toThrow(DamagedSketch);
    }
    expect(cellsIn(checked(whole))).toEqual({ keys: [40_000], counts: [1] });
  });
});

it('is in every row of levels, as its keys and counts are, and is put into rows of a release before', async () => {
  await database.rows(`update rollup_state set settled_at = settled_at - interval '3 days'`);
  await database.rows(`
      insert into system_telemetry (event_type, component, value, "timestamp")
      select 'TYPE', 'component ' || i % 3, i - 20, now() - i * interval '20 minutes'
      from generate_series(1, 200) as i`);
  await database.rows(`
      insert into usage_stats (model, duration_ms, "timestamp")
      select 'model ' || i % 3, i * 1e40, now() - i * interval '20 minutes'
      from generate_series(1, 200) as i`);
  await work.sweep();
  await work.fold();
  await settle(work.writer);
  while (await mergeNoted(work.writer));
  expect(await others()).toEqual({ rows: expect.any(Number), other: 0, none: 0 });
  for (const level of ['hour', 'day']) {
    await database.rows(`update event_rollup_${level} set cells = null where series % 2 = 0`);
    await database.rows(`update usage_rollup_${level} set first_token_cells = null`);
  }
  expect((await others()).none).toBeGreaterThan(0);
  let hours = 0;
  while (await joinSketches(work.writer)) hours++;
  expect(hours).toBeGreaterThan(48);
  expect(await others()).toEqual({ rows: expect.any(Number), other: 0, none: 0 });
});

/** How many sketches of levels are something else in one piece, or are not in one. */
async function others() {
  const sketches = [
    ['event', ''],
    ['usage', 'duration_'],
    ['usage', 'first_token_'],
  ].flatMap(([kind, prefix]) =>
    ['quarter', 'hour', 'day'].map(
      (level) => `
      select ${prefix}keys as keys, ${prefix}counts as counts, ${prefix}cells as cells
      from ${kind}_rollup_${level}`,
    ),
  );
  const rows = await database.rows<{ keys: number[]; counts: number[]; cells: Buffer | null }>(
    sketches.join(' union all '),
  );
  const isOther = ({ keys, counts, cells }: (typeof rows)[number]) => {
    const found = cells && sumOfSketches([cells]);
    return found && JSON.stringify(found) !== JSON.stringify({ keys, counts });
  };
  return {
    rows: rows.length,
    none: rows.filter(({ cells }) => cells === null).length,
    other: rows.filter(isOther).length,
  };
}
