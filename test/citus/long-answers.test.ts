import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readGroupBy } from '../../src/query/ask/dimensions.ts';
import { eventFilter } from '../../src/query/ask/filters.ts';
import { usOfMs } from '../../src/query/ask/instants.ts';
import { addUp } from '../../src/query/totals/add-up.ts';
import { eventMeasures } from '../../src/query/totals/event-measures.ts';
import { KnownWaiting } from '../../src/rollup/known-waiting.ts';
import { quarterMs } from '../../src/rollup/shapes.ts';
import type { Cells } from '../../src/rollup/sketch-cells.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';

/** So many that what workers say of them is too long to be handed from one statement to another. */
const groups = 180_000;

const minuteMs = 60_000;
/** Begins and ends within a quarter hour. */
const endMs = Math.floor(Date.now() / quarterMs) * quarterMs - 8 * minuteMs;
const startMs = endMs - 120 * minuteMs;

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeAll(async () => {
  database = await createDatabase();
  work = rollupWork(database);
  // Nobody claims them: they are rows of others. Half of them lie at an edge of the span.
  const times = [startMs + minuteMs, endMs - 60 * minuteMs].map((ms) => new Date(ms));
  await database.rows(
    `insert into system_telemetry (event_type, component, value, "timestamp")
    select 'MANY', 'component ' || i, i, ($1::timestamptz[])[1 + i % 2]
    from generate_series(1, ${groups}) as i`,
    [times],
  );
});
afterAll(async () => {
  await work.end();
  await database.drop();
});

it.each([
  ['rows alone', false],
  ['rollups, and rows beside them', true],
])('are read by the statement that needs them: %s', async (_, rolledValue) => {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  const question = {
    kind: 'event' as const,
    span: { startUs: startMs * usOfMs, endUs: endMs * usOfMs },
    filter: eventFilter(undefined, {}),
    groupBy: readGroupBy('event', ['component']),
    bordersUs: undefined,
    measured: eventMeasures(),
    rolledValue,
    quantiles: true,
  };
  const waiting = new KnownWaiting();
  const added = await work.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((trx) =>
      addUp({ trx, waiting, asOfUs: Date.now() * usOfMs, hasCitus: true }, question, {
        by: sql`max(max)`,
        limit: 3,
      }),
    );
  const inline = query.mock.calls.filter(([text]) =>
    String(text).includes('with added as materialized'),
  );
  query.mockRestore();
  expect(inline.length).toBeGreaterThan(0);
  const sum = (groups * (groups + 1)) / 2;
  expect(added.total.sums).toMatchObject({ records: groups, sum, min: 1, max: groups });
  expect(added.groups.map(({ group }) => group)).toEqual(
    [0, 1, 2].map((less) => [`component ${groups - less}`]),
  );
  expect(added.restGroups).toBe(groups - 3);
  const [cells] = added.total.cells;
  const counts = Array.from((cells as Cells).counts);
  expect(counts.reduce((all, count) => all + count, 0)).toBe(groups);
});
