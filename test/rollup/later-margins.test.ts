import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readGroupBy } from '../../src/query/ask/dimensions.ts';
import { eventFilter, usageFilter } from '../../src/query/ask/filters.ts';
import { addUp } from '../../src/query/totals/add-up.ts';
import { eventMeasures } from '../../src/query/totals/event-measures.ts';
import { usageMeasures } from '../../src/query/totals/usage-measures.ts';
import { KnownWaiting } from '../../src/rollup/known-waiting.ts';
import { addLaterMargins, completeMargins } from '../../src/rollup/later-margins.ts';
import { settle } from '../../src/rollup/merge.ts';
import { addMargins } from '../../src/rollup/series.ts';
import { type Shape, shapes } from '../../src/rollup/shapes.ts';
import { cellsIn } from '../../src/rollup/sketch-sums.ts';
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

/** Over some hours; `from`: what makes their names other ones. */
async function roll(hours: number, from = 0): Promise<void> {
  await database.rows(`
    insert into system_telemetry (event_type, component, status, value, metadata, "timestamp")
    select 'TYPE ' || i % 4 + ${from}, 'component ' || i % 3, case when i % 5 = 0 then 'ERROR' end,
      i % 17, jsonb_build_object('total_tokens', i), now() - i * interval '${hours} hours' / 200
    from generate_series(1, 200) as i`);
  await database.rows(`
    insert into usage_stats (model, layer, agent, prompt_tokens, cost_usd, duration_ms, "timestamp")
    select 'model ' || i % 3 + ${from}, case when i % 4 > 0 then 'L' || i % 4 end, 'agent ' || i % 7, i,
      i / 8.0, i % 13, now() - i * interval '${hours} hours' / 200
    from generate_series(1, 200) as i`);
  await work.sweep();
  while ((await work.fold())?.isPart);
}

/** Nothing of the margins is left that a collector of the release before does not know. */
async function forget(shape: Shape, condition: string): Promise<void> {
  const names = shape.laterMargins.map(({ name }) => name);
  const later = `select id from ${shape.seriesTable} where margin = any($1)`;
  for (const table of Object.values(shape.levelTables)) {
    await database.rows(`delete from ${table} where series in (${later}) and ${condition}`, [
      names,
    ]);
  }
}

/** As a collector of the release before leaves series that it has made. */
async function forgetSeries(shape: Shape): Promise<void> {
  await forget(shape, 'true');
  const before = shape.margins.length + 1;
  const names = shape.laterMargins.map(({ name }) => name);
  await database.rows(`update ${shape.seriesTable} set margins = margins[:${before}]`);
  await database.rows(`delete from ${shape.seriesTable} where margin = any($1)`, [names]);
}

const ofEvents = (by: readonly string[], eventType = '') => ({
  kind: 'event' as const,
  groupBy: readGroupBy('event', by),
  filter: eventFilter(undefined, { eventType }),
  measured: eventMeasures(),
});
const ofUsage = (by: readonly string[], only: { model?: string; layer?: string } = {}) => ({
  kind: 'usage' as const,
  groupBy: readGroupBy('usage', by),
  filter: usageFilter(undefined, only),
  measured: usageMeasures,
});
const asked = [
  ofEvents([], 'TYPE 1'),
  ofEvents(['event_type']),
  ofEvents(['event_type'], 'TYPE 2'),
  ofUsage(['model', 'layer']),
  ofUsage(['layer'], { model: 'model 1' }),
  ofUsage(['layer', 'model'], { layer: 'L2' }),
];

/** As JSON has it. */
const isBuffer = (each: unknown): each is { type: 'Buffer'; data: number[] } =>
  (each as { type?: string } | null)?.type === 'Buffer';

/** What margins, series and rows tell is the same. */
async function expectExact(): Promise<void> {
  const hourUs = 3_600_000_000;
  const startUs = Math.floor((Date.now() * 1000) / hourUs) * hourUs - 71 * hourUs;
  await work.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const waiting = new KnownWaiting();
      const snapshot = { trx, waiting, asOfUs: Date.now() * 1000, hasCitus: onCluster };
      for (const about of asked) {
        const bordersUs = [0, 24, 80].map((hours) => startUs + hours * hourUs);
        const question = {
          ...about,
          span: { startUs, endUs: undefined },
          bordersUs,
          quantiles: true,
        };
        const rank = about.kind === 'event' ? sql`sum(sum)` : sql`sum(cost_usd)`;
        const [rolled, raw] = await Promise.all(
          [true, false].map((rolledValue) =>
            addUp(snapshot, { ...question, rolledValue }, { by: rank, limit: 3 }),
          ),
        );
        expect([rolled?.source, raw?.source]).toEqual(['rollups', 'rows']);
        // Where nothing was measured, there is nothing, or 0; sketches may be in one piece.
        const plain = (_: string, each: unknown) =>
          isBuffer(each) ? cellsIn(Buffer.from(each.data)) : (each ?? 0);
        const told = (found = rolled) => {
          const shown = { ...found, points: found?.allPoints(), source: '' };
          return JSON.stringify(shown, plain);
        };
        expect(told(rolled)).toEqual(told(raw));
      }
    });
}

const laterRows = (shape: Shape, level: keyof Shape['levelTables']) => {
  const names = shape.laterMargins.map(({ name }) => `'${name}'`).join(', ');
  return database.count(
    `select count(*) from ${shape.levelTables[level]} join ${shape.seriesTable} on id = series
     where margin in (${names})`,
  );
};

const noDifferences = async () => expect((await verify(work.db, {})).differences).toEqual([]);

it('margins that the release before does not know are written into what is there', async () => {
  await database.rows(`update rollup_state set settled_at = settled_at - interval '2 days'`);
  await roll(30);
  await settle(work.writer);
  await expectExact();
  await noDifferences();
  const whole = await Promise.all(shapes.map((shape) => laterRows(shape, 'day')));
  expect(Math.min(...whole)).toBeGreaterThan(0);
  for (const shape of shapes) await forgetSeries(shape);
  await expectExact();
  // Not there yet is no difference.
  await noDifferences();
  for (const shape of shapes) {
    while (await addMargins(work.db, shape));
    expect(await addMargins(work.db, shape)).toBe(false);
  }
  await expectExact();
  while (await addLaterMargins(work.writer));
  expect(await Promise.all(shapes.map((shape) => laterRows(shape, 'day')))).toEqual(whole);
  await expectExact();
  await noDifferences();
  // What is missing later is one.
  await forget(shapes[0] as Shape, 'true');
  expect((await verify(work.db, {})).differences).not.toEqual([]);
  await expectExact();
});

it('what a collector of the release before folds meanwhile is added to them', async () => {
  await roll(30);
  while (await addLaterMargins(work.writer));
  // New series of its own, and buckets without these margins.
  for (const shape of shapes) await forgetSeries(shape);
  await roll(3, 2);
  await expectExact();
  for (const shape of shapes) {
    while (await addMargins(work.db, shape));
    await forget(shape, `bucket > now() - interval '3 hours'`);
  }
  await roll(1, 4);
  await expectExact();
  await completeMargins(work.writer);
  await expectExact();
  await noDifferences();
});

it('a series lists the margins last that the release before does not look for', async () => {
  await roll(1);
  for (const { seriesTable, margins, laterMargins } of shapes) {
    const [found] = await database.rows<{ names: string[] }>(`
      select array(select margin from ${seriesTable} as whole join unnest(series.margins)
        with ordinality as of (id, place) using (id) order by place) as names
      from ${seriesTable} as series where margin = 'series' limit 1`);
    const before = margins.length + 1;
    expect(found?.names.slice(0, before).sort()).toEqual([...margins, 'all'].sort());
    expect(found?.names.slice(before)).toEqual(laterMargins.map(({ name }) => name));
  }
});
