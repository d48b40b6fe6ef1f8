import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { createPool } from '../../src/database/pool.ts';
import { databaseObstacle } from '../../src/database/watch.ts';
import { FaultyNetwork } from '../chaos/faulty-network.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';

let database: TestDatabase;
let network: FaultyNetwork;
beforeEach(async () => {
  database = await createDatabase();
  const socket = new URL(database.url).searchParams.get('host');
  network = await FaultyNetwork.start({ path: `${socket}/.s.PGSQL.5432` });
});
afterEach(async () => {
  await network.stop();
  await database.drop();
});

const poolOf = (limits: { connectionsMax: number; silenceMsMax?: number }) =>
  createPool({
    connection: {
      connectionString: `postgresql://postgres@127.0.0.1:${network.port}${new URL(database.url).pathname}`,
    },
    applicationName: 'test',
    limits: {},
    logger: silentLogger,
    ...limits,
  });

it('gives a connection up whose server has vanished without a word', async () => {
  const pool = poolOf({ connectionsMax: 1, silenceMsMax: 200 });
  await pool.query('select');
  network.silence();
  await expect(pool.query('select')).rejects.toThrow('silent for 200 ms');
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

it('finds the database well again through a new connection', async () => {
  const pool = poolOf({ connectionsMax: 1 });
  expect(await databaseObstacle(pool)).toBeUndefined();
  network.silence();
  expect(await databaseObstacle(pool)).toMatch(/no answer/);
  expect(await databaseObstacle(pool)).toBeUndefined();
  await pool.end();
});

it('stops in time while its schema waits for another collector (6.2)', async () => {
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('select pg_advisory_lock(8002001)');
  const collector = await Collector.start(
    testConfig({ DATABASE_URL: database.url, TELEMETRY_SHUTDOWN_MS_MAX: '100' }),
    silentLogger,
  );
  const asking = "select count(*) from pg_stat_activity where query like '%pg_try_advisory%'";
  await expect.poll(() => database.count(asking), { timeout: 10_000 }).toBeGreaterThan(1);
  await collector.stop();
  await other.end();
}, 10_000);
