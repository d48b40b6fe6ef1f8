import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventBatch } from '../support/batches.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let committer: TestCommitter;
beforeAll(async () => {
  database = await createDatabase();
  committer = createCommitter(database, 'callers');
});
afterAll(async () => {
  await committer.end();
  await database.drop();
});

/** Renames the part of the table that one of its shards is, on its worker. */
async function rename(from: string, to: string): Promise<void> {
  const [shard] = await database.rows<{ name: string; host: string; port: number }>(
    `select shard_name as name, nodename as host, nodeport as port
    from citus_shards where table_name = 'system_telemetry'::regclass order by shardid limit 1`,
  );
  const url = new URL(database.url);
  url.hostname = shard?.host ?? '';
  url.port = String(shard?.port);
  const worker = new pg.Client({ connectionString: url.href });
  await worker.connect();
  await worker.query('set citus.enable_manual_changes_to_shards = on');
  await worker.query(`alter table ${from}${shard?.name} rename to ${to}${shard?.name}`);
  await worker.end();
}

it('of a single shard are no fault of the rows that belong there', async () => {
  const commit = () =>
    committer.committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(40)] });
  await rename('', 'away_');
  await expect(commit()).rejects.toMatchObject({ kind: 'retryable' });
  await expect(commit()).rejects.toMatchObject({ kind: 'retryable' });
  expect(await database.count('select count(*) from dead_letters')).toBe(0);
  await rename('away_', '');
  await commit();
  expect(await database.count('select count(*) from system_telemetry')).toBe(40);
});

it('while Citus is upgraded are no fault of the rows', async () => {
  const versions = `update pg_extension set extversion`;
  const [{ is }] = (await database.rows<{ is: string }>(
    `select extversion as is from pg_extension where extname = 'citus'`,
  )) as [{ is: string }];
  await database.rows(`${versions} = '12.0-1' where extname = 'citus'`);
  // Whoever is connected already has looked before.
  const upgrading = createCommitter(database, 'callers');
  const commit = () =>
    upgrading.committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(3)] });
  await expect(commit()).rejects.toMatchObject({ kind: 'retryable' });
  expect(await database.count('select count(*) from dead_letters')).toBe(0);
  await database.rows(`${versions} = '${is}' where extname = 'citus'`);
  await upgrading.end();
  await committer.committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(3)] });
});
