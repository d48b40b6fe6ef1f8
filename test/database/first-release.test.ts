import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson } from '../support/http.ts';

const recorded = readFileSync(join(import.meta.dirname, 'recorded/first-release.sql'), 'utf8');

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('empty');
  await database.pool.query(recorded);
});
afterEach(() => database.drop());

/** All that the first release reads when it starts: a name that it does not know would stop it. */
const whatItReads = async () => ({
  migrations: await database.rows('select name from telemetry_migration'),
  adoptions: await database.rows('select source, target, last_id, rows_copied from adoption'),
});

it('goes on where the first release has stopped in the middle of an adoption', async () => {
  const telemetry = await startCollector({}, database);
  const finished = 'select count(*) from adoption where finished_at is not null';
  while ((await database.count(finished)) < 1) await sleep(20);
  const rows = await database.rows(
    'select right(id::text, 12) as id, value from system_telemetry order by value',
  );
  expect(rows).toEqual(
    Array.from({ length: 10 }, (_, n) => ({
      id: (n + 1).toString(16).padStart(12, '0'),
      value: n + 1,
    })),
  );
  while ((await getJson(`${telemetry.baseUrl}/readyz`)).body.reasons.length > 0) await sleep(20);
  await telemetry.stop();
});

it('leaves what the first release reads as that knows it, should one go back', async () => {
  const telemetry = await startCollector({}, database);
  await telemetry.stop();
  expect(await whatItReads()).toMatchObject({
    migrations: [{ name: '0001-initial' }],
    adoptions: [{ source: 'system_telemetry_legacy', target: 'system_telemetry' }],
  });
  // What its own statements write.
  await database.pool.query(`
    insert into batch_ledger (batch_id, fingerprint, group_id, answer)
      values (gen_random_uuid(), '', gen_random_uuid(), null);
    insert into system_telemetry (id, timestamp, observed_at, event_type, component, value, metadata, status)
      values (gen_random_uuid(), now(), now(), 'A', null, 1, null, null);
    insert into dead_letters (batch_id, table_name, "row", payload, reason)
      values (gen_random_uuid(), 'system_telemetry', '', '{}', 'none');
    insert into adoption (source, target) values ('usage_stats_legacy', 'usage_stats');
    update adoption set last_id = 10, rows_copied = rows_copied + 1, finished_at = now()`);
});
