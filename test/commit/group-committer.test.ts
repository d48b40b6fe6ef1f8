import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GroupCommitter, type Origin } from '../../src/commit/group-committer.ts';
import { Writer } from '../../src/commit/writer.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { writerLimits } from '../../src/postgres/settings.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import { eventBatch } from '../support/batches.ts';
import { createDatabase, holdTable, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';

let database: TestDatabase;
let pools: pg.Pool[];
beforeEach(async () => {
  database = await createDatabase();
  pools = [];
});
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

function committer(origin: Origin = 'callers'): GroupCommitter {
  const pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test writer',
    connectionsMax: 2,
    limits: writerLimits,
    logger: silentLogger,
  });
  pools.push(pool);
  return new GroupCommitter(new Writer(pool), origin, createRollups(pool, 1000));
}

const rowCount = () => database.count('select count(*) from system_telemetry');

it('stores a batch once, and gives a repetition the first answer', async () => {
  const { commit } = committer();
  const batch = eventBatch(3);
  expect(await commit({ id: uuidv7(), batches: [batch] })).toEqual([{ kind: 'stored' }]);
  expect(await commit({ id: uuidv7(), batches: [batch] })).toEqual([
    { kind: 'duplicate', answer: batch.answer },
  ]);
  expect(await rowCount()).toBe(3);
});

it.each(['callers', 'spool'] as const)('takes one round trip from %s', async (origin) => {
  const { commit } = committer(origin);
  await commit({ id: uuidv7(), batches: [eventBatch(2)] });
  let answers = 0;
  pools[0]?.on('acquire', (client) => {
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    connection.on('readyForQuery', () => {
      answers += 1;
    });
  });
  expect(await commit({ id: uuidv7(), batches: [eventBatch(2)] })).toEqual([{ kind: 'stored' }]);
  expect(answers).toBe(1);
});

it('takes its own earlier commit for what it is when only the answer was lost', async () => {
  const { commit } = committer();
  const group = { id: uuidv7(), batches: [eventBatch(2), eventBatch(3)] };
  await commit(group);
  expect(await commit(group)).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
  expect(await rowCount()).toBe(5);
});

it('refuses other content under a known id, and stores the rest of the group', async () => {
  const { commit } = committer();
  const first = eventBatch(2, 'FIRST');
  await commit({ id: uuidv7(), batches: [first] });
  const other = eventBatch(2, 'OTHER', first.id);
  const settlements = await commit({ id: uuidv7(), batches: [other, eventBatch(4)] });
  expect(settlements).toEqual([{ kind: 'conflict' }, { kind: 'stored' }]);
  expect(await rowCount()).toBe(6);
});

it('never deadlocks with another collector that has the same batches in another order', async () => {
  const [here, there] = [committer(), committer()];
  for (let round = 0; round < 20; round++) {
    const batches = Array.from({ length: 50 }, () => eventBatch(5, `ROUND_${round}`));
    const both = await Promise.all([
      here.commit({ id: uuidv7(), batches }),
      there.commit({ id: uuidv7(), batches: batches.toReversed() }),
    ]);
    const kinds = both.map((settlements) => new Set(settlements.map(({ kind }) => kind)));
    expect(kinds).toContainEqual(new Set(['stored']));
    expect(kinds).toContainEqual(new Set(['duplicate']));
  }
  expect(await rowCount()).toBe(20 * 50 * 5);
});

it('keeps what PostgreSQL refuses as dead letters, and stores every other row', async () => {
  await database.rows(
    `alter table system_telemetry add constraint no_sevens check (value <> 7 or event_type <> 'BAD')`,
  );
  const { commit } = committer();
  const bad = eventBatch(20, 'BAD');
  const group = { id: uuidv7(), batches: [eventBatch(2), bad, eventBatch(3)] };
  expect(await commit(group)).toEqual([
    { kind: 'stored', deadLettered: { event: 0, usage: 0 } },
    { kind: 'stored', deadLettered: { event: 1, usage: 0 } },
    { kind: 'stored', deadLettered: { event: 0, usage: 0 } },
  ]);
  expect(await rowCount()).toBe(24);
  expect(
    await database.rows('select batch_id, table_name, payload, reason from dead_letters'),
  ).toEqual([
    {
      batch_id: bad.id,
      table_name: 'system_telemetry',
      payload: expect.objectContaining({ event_type: 'BAD', value: 7, metadata: { position: 7 } }),
      reason: expect.stringContaining('no_sevens'),
    },
  ]);
  expect(await commit({ id: uuidv7(), batches: [bad] })).toMatchObject([{ kind: 'duplicate' }]);
});

it('keeps the rows of a batch of the spool whose id another content has, once', async () => {
  const first = eventBatch(2, 'FIRST');
  await committer().commit({ id: uuidv7(), batches: [first] });
  const other = { ...eventBatch(3, 'OTHER', first.id), groupId: uuidv7() };
  const { commit } = committer('spool');
  for (let drained = 0; drained < 2; drained++) {
    expect(await commit({ id: uuidv7(), batches: [other] })).toEqual([
      { kind: 'stored', deadLettered: { event: 3, usage: 0 } },
    ]);
  }
  const letters = await database.rows('select reason, payload from dead_letters');
  expect(letters).toHaveLength(3);
  expect(letters[0]).toMatchObject({
    reason: 'batch_id_conflict',
    payload: { event_type: 'OTHER' },
  });
  expect(await rowCount()).toBe(2);
});

it('takes a missing table for an outage, not for the fault of the data', async () => {
  const { commit } = committer();
  const group = { id: uuidv7(), batches: [eventBatch(1)] };
  await database.rows('alter table system_telemetry rename to elsewhere');
  await expect(commit(group)).rejects.toMatchObject({ kind: 'retryable' });
  await database.rows('alter table elsewhere rename to system_telemetry');
  expect(await commit(group)).toEqual([{ kind: 'stored' }]);
});

it('reports a lost connection as retryable, and goes on with a new one', async () => {
  const { commit } = committer();
  await commit({ id: uuidv7(), batches: [eventBatch(1)] });
  const blocker = new pg.Client({ connectionString: database.url });
  await blocker.connect();
  await holdTable(blocker, 'system_telemetry in access exclusive mode');
  const group = { id: uuidv7(), batches: [eventBatch(2)] };
  const blocked = commit(group);
  blocked.catch(() => {});
  await terminateWaitingWriters();
  await expect(blocked).rejects.toMatchObject({ kind: 'retryable' });
  await blocker.end();
  expect(await commit(group)).toEqual([{ kind: 'stored' }]);
  expect(await rowCount()).toBe(3);
});

async function terminateWaitingWriters(): Promise<void> {
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'test writer' and wait_event_type = 'Lock'`;
  while ((await database.rows(terminate)).length === 0) {
    // Not waiting yet.
  }
}
