import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { upkeepLimits } from '../../src/postgres/settings.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.rows(`insert into system_telemetry (event_type) values ('SLOW')`);
});
afterAll(() => database.drop());

it('of a coordinator whose workers are at it for long is no lost connection', async () => {
  const pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test silence',
    connectionsMax: 1,
    limits: upkeepLimits,
    askAfterMs: 3000,
    logger: silentLogger,
  });
  const slowly =
    'select count(*)::int as count from (select pg_sleep(8) from system_telemetry) as slept';
  expect((await pool.query(slowly)).rows).toEqual([{ count: 1 }]);
  await pool.end();
});
