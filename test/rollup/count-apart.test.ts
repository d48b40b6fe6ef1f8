import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readGroupBy } from '../../src/query/ask/dimensions.ts';
import { eventFilter } from '../../src/query/ask/filters.ts';
import { addUp } from '../../src/query/totals/add-up.ts';
import { eventMeasures } from '../../src/query/totals/event-measures.ts';
import { countDayApart } from '../../src/rollup/count-apart.ts';
import { KnownWaiting } from '../../src/rollup/known-waiting.ts';
import { settle } from '../../src/rollup/merge.ts';
import { verify } from '../../src/rollup/verify.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onCluster } from '../support/on-cluster.ts';
import { rollupWork } from '../support/rollup-work.ts';

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeEach(async () => {
  database = await createDatabase();
  work = rollupWork(database);
});
afterEach(async () => {
  await work.end();
  await database.drop();
});

/** Of which some have not gone well, over four days or less. */
async function roll(by = work, hours = 100): Promise<void> {
  await database.rows(`
    insert into system_telemetry (event_type, component, status, "timestamp")
    select 'TYPE ' || i % 2, 'component ' || i % 3,
      (array[null, '', 'OK', 'ERROR', 'WARNING'])[1 + i % 5], now() - i * interval '${hours} hours' / 200
    from generate_series(1, 200) as i`);
  await by.sweep();
  while ((await by.fold())?.isPart);
}

/** What a release before leaves of some rows. */
const forget = async (condition: string) => {
  for (const level of ['quarter', 'hour', 'day']) {
    await database.rows(`update event_rollup_${level} set not_ok = null where ${condition}`);
  }
};

const unknown = () =>
  database.count(`
    select count(*) from (
      select series, not_ok from event_rollup_quarter
      union all select series, not_ok from event_rollup_hour
      union all select series, not_ok from event_rollup_day
    ) as levels join event_series on id = series where not_ok is null and margin not in ('series', 'rest')`);

/** Asked by some dimensions, as rollups tell it and as rows do. */
async function failures(by: readonly string[]) {
  const startUs = (Date.now() - 3.3 * 86_400_000) * 1000;
  const groupBy = readGroupBy('event', by);
  const question = {
    kind: 'event' as const,
    span: { startUs, endUs: undefined },
    filter: eventFilter(undefined, {}),
    groupBy,
    bordersUs: undefined,
    measured: eventMeasures(),
    quantiles: true,
  };
  return await work.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const waiting = new KnownWaiting();
      const snapshot = { trx, waiting, asOfUs: Date.now() * 1000, hasCitus: onCluster };
      const answers = [];
      for (const rolledValue of [true, false]) {
        const chosen = { by: sql`sum(not_ok)`, limit: 2 };
        const { total, groups, rest, hasRest, source } = await addUp(
          snapshot,
          { ...question, rolledValue },
          chosen,
        );
        const shown = [{ group: [], totals: total }, ...groups, ...(rest ? [rest] : [])].map(
          ({ group, totals: { sums } }) => ({ group, records: sums.records, notOk: sums.not_ok }),
        );
        answers.push({ shown, hasRest, source });
      }
      return answers;
    });
}

type Source = 'rollups and rows' | 'rows';

async function expectExact(source: Source = 'rollups and rows', hasRest = false): Promise<void> {
  for (const by of [[], ['component'], ['event_type'], ['component', 'status']]) {
    const [rolled, raw] = await failures(by);
    expect(raw).toMatchObject({ source: 'rows' });
    expect(rolled).toMatchObject({ source, hasRest });
    expect(rolled?.shown).toEqual(raw?.shown);
  }
  expect((await verify(work.db, {})).differences).toEqual([]);
}

it('is asked of series until it is counted, which is done day by day', async () => {
  await database.rows(`update rollup_state set settled_at = settled_at - interval '2 days'`);
  await roll();
  expect(await unknown()).toBe(0);
  await expectExact();
  for (const condition of ['series % 2 = 0', 'true']) {
    await forget(condition);
    await expectExact();
    // Late ones, beside what is unknown.
    await roll();
    expect(await unknown()).toBeGreaterThan(0);
    await expectExact();
    await database.rows(`update rollup_state set not_ok_from = 'infinity'`);
    let days = 0;
    while (await countDayApart(work.writer)) days++;
    expect(days).toBeGreaterThanOrEqual(4);
    expect(await unknown()).toBe(0);
    await expectExact();
  }
  // What a release before has folded last is counted once its quarter hours end.
  await forget('bucket >= (select settled_at from rollup_state)');
  await settle(work.writer);
  expect(await unknown()).toBe(0);
  await expectExact();
  const wrong = `update event_rollup_day set not_ok = not_ok + 1
    where series in (select id from event_series where margin = 'component')`;
  await database.rows(wrong);
  expect((await verify(work.db, {})).differences).not.toEqual([]);
});

it.each([
  ['some', 20, 'rollups and rows'],
  ['all', 100, 'rows'],
] as const)('is asked of %s of the rows where series are the rest', async (_, hours, source) => {
  const few = rollupWork(database, 5);
  await roll(few, hours);
  await few.end();
  await expectExact(source, true);
  while (await countDayApart(work.writer));
  await expectExact(source, true);
  // Without rows there are the series, and no more is told than is known.
  await database.rows(
    `update rollup_state set raw_floor = date_bin('15 minutes', now(), '2000-01-01')`,
  );
  const [told] = (await failures([]))[0]?.shown ?? [];
  expect(told?.records).toBe(source === 'rows' ? 158 : 200);
  expect(told?.notOk).toBeGreaterThan(0);
  expect(told?.notOk).toBeLessThan(80);
});
