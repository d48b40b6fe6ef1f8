import { afterEach, beforeEach, expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { spawnCollector } from '../support/process.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const stored = () => database.count('select count(*) from system_telemetry');

it('a database that is newer than the program ends the start in one sentence', async () => {
  await database.rows(`insert into telemetry_schema (name, release) values ('0099-later', 99)`);
  const env = { DATABASE_URL: database.url };
  const failure: Error = await spawnCollector(env).then(
    () => new Error('started'),
    (error) => error,
  );
  const lines = failure.message.replace(/^exit 1: /, '').split('\n');
  expect(failure.message).toMatch(/^exit 1: /);
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({
    level: 60,
    msg: expect.stringMatching(/^the database is of release 99 .*run a newer/),
  });
  expect(failure.message).not.toContain('stack');
});

it('what comes before the tables have been looked at is spooled, and not written to them', async () => {
  // Not up to date, and somebody else is at it.
  await database.rows(`delete from telemetry_schema`);
  const other = await database.pool.connect();
  await other.query('begin; select pg_advisory_xact_lock(8002001)');
  const config = testConfig({ DATABASE_URL: database.url });
  const collector = await Collector.start(config, silentLogger);
  const post = () =>
    postJson(`http://127.0.0.1:${collector.port}/v1/telemetry/log`, { event_type: 'EARLY' });
  expect((await post()).body).toMatchObject({ durability: 'DURABILITY_SPOOLED' });
  expect(await stored()).toBe(0);
  await other.query('rollback');
  other.release();
  await collector.untilReady();
  await expect.poll(stored, { timeout: 10_000 }).toBe(1);
  await expect
    .poll(async () => (await post()).body.durability, { timeout: 10_000 })
    .toBe('DURABILITY_COMMITTED');
  await collector.stop();
});
