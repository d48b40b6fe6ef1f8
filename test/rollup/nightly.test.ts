import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { shardFacts } from '../../src/database/cluster/shard-facts.ts';
import { verifyNightly } from '../../src/rollup/nightly.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { startCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { metric } from '../support/metrics.ts';
import { onCluster } from '../support/on-cluster.ts';
import { untilReason } from '../support/readiness.ts';
import { insertDays } from '../support/retention-work.ts';
import { rollupWork } from '../support/rollup-work.ts';

// Several commands run in one of them.
vi.setConfig({ testTimeout: 120_000 });

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeEach(async () => {
  database = await createDatabase();
  work = rollupWork(database);
  await insertDays(database, 3, 2, 1, 0);
  await work.sweep();
  await work.fold();
});
afterEach(async () => {
  await work.end();
  await database.drop();
});

const countedByWorkers = async () => {
  const facts = await shardFacts(work.db);
  return [...facts.values()].reduce((sum, { changes }) => sum + changes, 0);
};

/** Changes rows, and sees to it that PostgreSQL has counted that. */
async function change(statement: string): Promise<void> {
  const before = await countedByWorkers();
  const client = await database.pool.connect();
  await client.query(statement);
  await client.query('select pg_stat_force_next_flush()');
  await client.query('select');
  client.release();
  // Workers count what is theirs by themselves, some seconds later.
  if (onCluster && !statement.includes('_rollup_'))
    await expect.poll(countedByWorkers, { timeout: 60_000 }).not.toBe(before);
}

const night = async () => (await verifyNightly(work.db)).differences.map(({ what }) => what);

it('finds what was deleted or changed, until it is mended', async () => {
  expect(await night()).toEqual([]);
  expect(await night()).toEqual([]);
  await change('delete from system_telemetry where value = 2');
  expect(await night()).toEqual([expect.stringContaining('1 records are rolled up')]);
  await change('update system_telemetry set value = 70 where value = 3');
  expect(await night()).toHaveLength(2);
  await rebuild(work.db, work.writer, work.series, {});
  expect(await night()).toEqual([]);
  const kept = await database.rows('select differences, found from rollup_verifications');
  expect(kept).toEqual([{ differences: 0, found: [] }]);
});

it('finds sketches that were changed where nothing else was', async () => {
  expect(await night()).toEqual([]);
  await change(`update event_rollup_quarter set cells = '' where bucket = (
    select max(bucket) from event_rollup_quarter)`);
  const found = await night();
  expect(found).not.toEqual([]);
  expect(found.filter((what) => !what.includes('cells are not what'))).toEqual([]);
  await rebuild(work.db, work.writer, work.series, {});
  expect(await night()).toEqual([]);
});

it('looks at all once more where it does not know what changed', async () => {
  await change('update system_telemetry set value = 70 where value = 3');
  expect(await night()).toHaveLength(1);
});

it('is done at night by a collector, which tells what was found until it is mended', async () => {
  await change('delete from system_telemetry where value = 2');
  const now = new Date().getUTCHours();
  const env = { TELEMETRY_ROLLUP_VERIFY_HOUR: String(now) };
  const telemetry = await startCollector(env, database);
  const { reasons } = await untilReason(telemetry.baseUrl, /^verification: 1 differences/);
  expect(reasons.join()).toContain('rollups rebuild');
  expect(await metric(telemetry.baseUrl, 'telemetry_rollup_differences')).toBe(1);
  await telemetry.stop();
  const command = (name: string) => runCommand(['rollups', name], { DATABASE_URL: database.url });
  expect((await command('verify')).code).toBe(1);
  expect((await command('rebuild')).code).toBe(0);
  expect((await command('verify')).code).toBe(0);
  const again = await startCollector({ TELEMETRY_ROLLUP_VERIFY_HOUR: 'off' }, database);
  while ((await metric(again.baseUrl, 'telemetry_rollup_verified_seconds')) === 0);
  expect(await metric(again.baseUrl, 'telemetry_rollup_differences')).toBe(0);
  await again.stop();
});

it('looks at all once more where PostgreSQL counts changes anew, as it does after a crash or a move', async () => {
  expect(await night()).toEqual([]);
  await change('update system_telemetry set value = 70 where value = 3');
  await database.rows('select pg_stat_reset()');
  expect(await night()).toHaveLength(1);
});
