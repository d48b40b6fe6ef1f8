import { afterAll, beforeAll, expect, it } from 'vitest';
import { layoutOf } from '../../src/database/cluster/layout.ts';
import { requirements } from '../../src/database/cluster/requirements.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { eventBatch } from '../support/batches.ts';
import { runCommand } from '../support/command.ts';
import { createCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase('empty');
});
afterAll(() => database.drop());

const command = (...args: string[]) =>
  runCommand([...args, '--log-level', 'warn'], { DATABASE_URL: database.url });

it('spreads rows over the workers once, with data, and says what it needs and does', async () => {
  expect(await command('distribute')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('run "gravitas-telemetry migrate" before'),
  });
  expect(await command('migrate')).toMatchObject({ code: 0 });
  const { committer, end } = createCommitter(database, 'callers');
  await committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(500)] });
  await end();
  const planned = await command('distribute', '--shards', '4', '--dry-run', '--json');
  expect(JSON.parse(planned.stdout)).toMatchObject({ distributed: false });
  expect((await layoutOf(createKysely(database.pool))).size).toBe(0);
  const done = await command('distribute', '--shards', '4', '--json');
  const { requirements: needed, steps, distributed } = JSON.parse(done.stdout);
  expect(distributed).toBe(true);
  expect(new Set(needed.map(({ what }: { what: string }) => what))).toEqual(
    new Set([
      ...['DATABASE_URL', 'coordinator', 'nodes that take shards', 'version', 'citus', 'fsync'],
      ...['max_prepared_transactions', 'max_worker_processes', 'full_page_writes'],
      'synchronous_commit',
    ]),
  );
  expect(steps.every(({ ms }: { ms?: number }) => ms !== undefined)).toBe(true);
  const layout = await layoutOf(createKysely(database.pool));
  expect(Object.fromEntries(layout)).toEqual({
    system_telemetry: { shards: 4 },
    usage_stats: { shards: 4 },
  });
  expect(await database.count('select count(*) from system_telemetry')).toBe(500);
  const again = JSON.parse((await command('distribute', '--shards', '8', '--json')).stdout);
  expect(again.steps.map(({ done }: { done: string }) => done)).toEqual([
    'is distributed by id, in 4 shards',
    'is distributed by id, in 4 shards',
  ]);
  expect(await database.count('select count(*) from system_telemetry')).toBe(500);
});

it.each([
  [
    'rows from before there were rollups are still being read',
    `insert into rollup_history (kind, partition_name) values ('event', 'system_telemetry_default')`,
    'delete from rollup_history',
  ],
  [
    'rows of older tables are still being copied',
    `insert into adoption (source, target, rows_copied) values ('older', 'system_telemetry', 0)`,
    'delete from adoption',
  ],
  [
    'rows that a collector of an earlier release has claimed are still to be corrected',
    `insert into usage_stats (model_name, rolled) values ('older', true)`,
    'delete from usage_stats',
  ],
])('waits while %s', async (what, begun, finished) => {
  await database.rows(begun);
  expect(await command('distribute')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${what}: let a collector finish that`),
  });
  await database.rows(finished);
  expect(await command('distribute')).toMatchObject({ code: 0 });
});

it('changes nothing where something is missing', async () => {
  // As this database has it: nobody answers there.
  await database.rows('update pg_dist_node set nodeport = 1 where groupid = 2');
  const needed = await requirements(createKysely(database.pool));
  expect(needed.filter(({ state }) => state === 'failed')).toMatchObject([
    { what: 'answer', node: expect.stringMatching(/:1$/) },
  ]);
  expect(await command('distribute')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('nothing is changed: 1 of what is needed'),
  });
});
