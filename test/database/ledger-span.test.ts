import { Registry } from 'prom-client';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { timeByIdsMs } from '../../src/database/ledger-span.ts';
import { Maintenance } from '../../src/database/maintenance.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { upkeepLimits } from '../../src/postgres/settings.ts';
import { dayMs, hourMs } from '../../src/units.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { uuidV7At } from '../support/ids.ts';
import { silentLogger } from '../support/logger.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  const window = { table: 'batch_ledger', fromMs: nowMs - 40 * dayMs, toMs: nowMs } as const;
  await ensurePartitions(createKysely(database.pool), window);
});
afterEach(() => database.drop());

const nowMs = Date.now();

/** Runs maintenance on a machine whose clock is so far ahead. */
async function maintain(aheadMs = 0): Promise<void> {
  const pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test upkeep',
    connectionsMax: 2,
    limits: upkeepLimits,
    logger: silentLogger,
  });
  const options = { eventAgeMsMax: 30 * dayMs, partitionDaysAhead: 2 };
  const maintenance = new Maintenance(
    createKysely(pool),
    pool,
    options,
    silentLogger,
    new Registry(),
  );
  await maintenance.run(nowMs + aheadMs);
  await pool.end();
}

async function claim(...daysAgo: number[]): Promise<void> {
  for (const days of daysAgo) {
    await database.rows(
      `insert into batch_ledger (batch_id, fingerprint, group_id) values ($1, '', $2)`,
      [uuidV7At(nowMs - days * dayMs), uuidv7()],
    );
  }
}

const idsLeft = () => database.count('select count(*) from batch_ledger');

it('forgets the ids of days that are over for longer than they are remembered', async () => {
  await claim(30, 20, 17, 13, 1, 0);
  await maintain();
  expect(await idsLeft()).toBe(3);
});

it('forgets nothing because of a clock that is ahead of the database', async () => {
  await claim(14, 13, 5, 1, 0);
  await maintain(17 * dayMs);
  expect(await idsLeft()).toBe(5);
});

it('forgets nothing because of a clock that is ahead together with the database', async () => {
  // Both are on one machine. Nobody has written for 20 days, as it seems.
  await claim(22, 21, 20);
  await maintain();
  expect(await idsLeft()).toBe(3);
  // What it writes meanwhile is of one day.
  await claim(0, 0);
  await maintain();
  expect(await idsLeft()).toBe(5);
});

it('keeps less than it remembers on no account', async () => {
  await claim(15, 14, 2, 1, 0);
  await maintain(-30 * dayMs);
  await maintain();
  expect(await idsLeft()).toBe(5);
});

it('remembers what came late from a spool for as long as the rest', async () => {
  await claim(100, 90, 1, 0);
  await database.rows(
    `update batch_ledger set committed_at = now() - interval '16 days' where batch_id < $1`,
    [uuidV7At(nowMs - 95 * dayMs)],
  );
  await maintain();
  expect(await idsLeft()).toBe(3);
});

it('forgets the calls of records that are older than any that is accepted', async () => {
  await claim(2, 1, 0);
  for (const days of [40, 33, 30, 29, 0]) {
    await database.rows(
      `insert into call_claims (call_key, row_id, row_time, claimed_at)
        values (gen_random_uuid(), gen_random_uuid(), now(), now() - $1 * interval '1 day')`,
      [days],
    );
  }
  await maintain(40 * dayMs);
  expect(await database.count('select count(*) from call_claims')).toBe(3);
});

it('looks through a large table of calls in a day, and forgets nothing else', async () => {
  await claim(2, 1, 0);
  await database.rows(`
    alter table call_claims set (fillfactor = 10);
    insert into call_claims (call_key, row_id, row_time, claimed_at)
      select gen_random_uuid(), gen_random_uuid(), now(), now() - case n % 2 when 0 then 40 else 0 end * interval '1 day'
      from generate_series(1, 50000) as n`);
  const left = () => database.count('select count(*) from call_claims');
  await maintain(40 * dayMs);
  const first = await left();
  expect(first).toBeGreaterThan(25_000);
  expect(first).toBeLessThan(50_000);
});

it.each([
  ['nothing without ids', [], -Infinity, undefined],
  [
    'the newest id less what it may be ahead',
    [2, 1, -0.1],
    nowMs + 0.1 * dayMs - hourMs,
    undefined,
  ],
  ['nothing of one day that is far ahead', [-15], -Infinity, undefined],
  ['the day before of one that is far ahead', [1, 0, -15], undefined, 0],
  ['the last day but one where ids of two are far ahead', [0, -15, -20], undefined, 15],
])('tells the time by ids: %s', async (_, days, newestMs, daysAhead) => {
  await ensurePartitions(createKysely(database.pool), {
    table: 'batch_ledger',
    fromMs: nowMs,
    toMs: nowMs + 21 * dayMs,
  });
  await claim(...days);
  const dayBeginsMs = (days: number) => Math.floor(nowMs / dayMs + days) * dayMs;
  const wanted = daysAhead === undefined ? newestMs : dayBeginsMs(daysAhead) - hourMs;
  expect(await timeByIdsMs(createKysely(database.pool), nowMs)).toBe(wanted);
});
