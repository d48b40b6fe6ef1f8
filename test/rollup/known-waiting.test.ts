import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Aggregates } from '../../src/rollup/aggregates.ts';
import { waiting } from '../../src/rollup/fold.ts';
import { KnownWaiting } from '../../src/rollup/known-waiting.ts';
import { eventShape } from '../../src/rollup/shapes.ts';
import { eventBatch } from '../support/batches.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';

let database: TestDatabase;
let committer: TestCommitter;
let work: ReturnType<typeof rollupWork>;
beforeEach(async () => {
  database = await createDatabase();
  committer = createCommitter(database, 'callers');
  work = rollupWork(database);
});
afterEach(async () => {
  await Promise.all([committer.end(), work.end()]);
  await database.drop();
});

const store = (name: string, events: number) =>
  committer.committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(events, name)] });

/** By the numbers of series, in their order. */
const shown = (totals: Aggregates) =>
  Array.from({ length: totals.size }, (_, place) => ({
    series: totals.places.seconds[place] as number,
    records: totals.records[place],
    value: totals.values[0]?.measuresAt(place),
  })).sort((a, b) => a.series - b.series);

it('is what waits in each snapshot, whatever was stored and folded before, between and beside', async () => {
  const known = new KnownWaiting();
  const read = () =>
    work.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => {
        const all = await waiting(trx, eventShape);
        return { all: shown(all), told: await known.read(trx, eventShape) };
      });
  const expectExact = async (records: number) => {
    const { all, told } = await read();
    expect(shown(told)).toEqual(all);
    expect(all.reduce((sum, each) => sum + (each.records ?? 0), 0)).toBe(records);
    return told;
  };
  await expectExact(0);
  await store('FIRST', 30);
  const first = await expectExact(30);
  expect(await expectExact(30)).toBe(first);
  await store('FIRST', 5);
  await store('SECOND', 20);
  await expectExact(55);
  // Whoever has what was known before still has that.
  expect(shown(first)).toMatchObject([{ records: 30 }]);
  await work.fold();
  await expectExact(0);
  await store('SECOND', 7);
  await expectExact(7);
  await work.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (earlier) => {
      const before = shown(await known.read(earlier, eventShape));
      await store('THIRD', 3);
      await expectExact(10);
      expect(shown(await known.read(earlier, eventShape))).toEqual(before);
    });
  await expectExact(10);
});
