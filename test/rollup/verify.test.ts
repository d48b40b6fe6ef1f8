import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verify } from '../../src/rollup/verify.ts';
import { eventBatch } from '../support/batches.ts';
import { runCommand } from '../support/command.ts';
import { createCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rollupWork } from '../support/rollup-work.ts';

let database: TestDatabase;
let work: ReturnType<typeof rollupWork>;
beforeAll(async () => {
  database = await createDatabase();
  work = rollupWork(database);
});
afterAll(async () => {
  await work.end();
  await database.drop();
});

const differences = async () => (await verify(work.db, {})).differences;
const command = (...args: string[]) =>
  runCommand(['rollups', ...args], { DATABASE_URL: database.url });

it('finds what somebody changed, and rebuilding mends it', async () => {
  expect(await command('verify')).toMatchObject({ code: 0, stdout: 'nothing: 0 differences\n' });
  const { committer, end } = createCommitter(database, 'callers');
  const { commit } = committer;
  await commit({ id: uuidv7(), batches: [eventBatch(20)] });
  await database.rows(`insert into system_telemetry (event_type, value, "timestamp", metadata)
    select 'LATE', i, now() - i * interval '1 hour', '{"total_tokens":5}' from generate_series(1, 40) as i`);
  await work.sweep();
  await work.fold();
  await commit({ id: uuidv7(), batches: [eventBatch(7)] });
  expect(await differences()).toEqual([]);

  const changes = [
    `delete from system_telemetry where event_type = 'LATE' and value = 30`,
    `update system_telemetry set value = 1000 where event_type = 'LATE' and value = 3`,
    `update system_telemetry set component = 'other' where event_type = 'LATE' and value = 5`,
    `update system_telemetry set metadata = null where event_type = 'LATE' and value = 7`,
  ];
  for (const change of changes) await database.rows(change);
  // The component has another series of the same quarter hour, that nobody knows.
  expect(await differences()).toHaveLength(5);
  expect((await command('verify')).code).toBe(1);
  const rebuilt = await command('rebuild');
  expect(rebuilt).toMatchObject({ code: 0, stderr: '' });
  expect(await differences()).toEqual([]);
  expect((await command('verify')).code).toBe(0);

  await database.rows(`update event_rollup_quarter set max = max + 1
    where series in (select id from event_series where margin = 'all')`);
  const told = (await differences()).map(({ what }) => what);
  expect(told.length).toBeGreaterThanOrEqual(40);
  expect(told.filter((what) => !what.includes('max of value'))).toEqual([]);
  await command('rebuild');

  await database.rows('update event_rollup_day set events = events + 1');
  await database.rows(`update rollup_state set settled_at = settled_at + interval '1 hour'`);
  expect(await differences()).not.toEqual([]);
  for (const [span, told] of [
    [['--from', 'yesterday'], '--from: "yesterday" is no time'],
    [['--to', '2026-02-30'], '--to: "2026-02-30" is no time'],
    [['--from', '2026-02-02', '--to', '2026-02-01'], '--to: 2026-02-01T00:00:00.000Z is not after'],
  ] as const) {
    const { code, stderr } = await command('rebuild', ...span);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(told) });
  }
  await end();
});
