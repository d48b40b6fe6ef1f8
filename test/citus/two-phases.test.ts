import type pg from 'pg';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Audit } from '../../src/admin/audit.ts';
import { DeadLetters } from '../../src/admin/dead-letters.ts';
import { erase, subjectOf } from '../../src/admin/erase.ts';
import { reprice } from '../../src/admin/reprice.ts';
import { Writer } from '../../src/commit/writer.ts';
import { parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { eventBatch } from '../support/batches.ts';
import { usageBatch } from '../support/calls.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { insertDays, retentionWork } from '../support/retention-work.ts';
import { rollupWork } from '../support/rollup-work.ts';

let database: TestDatabase;
let committer: TestCommitter;
let work: ReturnType<typeof rollupWork>;
let retention: ReturnType<typeof retentionWork>;
/** What Citus says that it has sent to workers, and to which of its connections. */
const sent: { readonly message: string; readonly to: string }[] = [];
beforeAll(async () => {
  database = await createDatabase();
  const name = new URL(database.url).pathname.slice(1);
  for (const setting of ['citus.log_remote_commands = on', 'client_min_messages = notice']) {
    await database.rows(`alter database ${name} set ${setting}`);
  }
  committer = createCommitter(database, 'callers');
  work = rollupWork(database);
  retention = retentionWork(database);
  const listen = (client: pg.PoolClient) =>
    client.on('notice', ({ message = '', detail = '' }) => sent.push({ message, to: detail }));
  const pools = [committer.pool, work.pool, retention.work.pool];
  for (const pool of pools) pool.on('connect', listen);
});
afterAll(async () => {
  await Promise.all([committer.end(), work.end(), retention.end()]);
  await database.drop();
});

const changes = /issuing (COPY|INSERT|UPDATE|DELETE|WITH)/;
const call = { provider: 'openai', model: 'gpt-5', responseId: 'r1', userId: 'ada' };

/**
 * What writes to workers and to the coordinator is prepared on workers before it is committed
 * anywhere: else a crash in between leaves one without the other.
 */
async function expectTwoPhases(write: () => Promise<unknown>): Promise<void> {
  sent.length = 0;
  await write();
  const changed = new Set<string>();
  let prepared = 0;
  for (const { message, to } of sent) {
    if (changes.test(message)) changed.add(to);
    if (message.includes('issuing PREPARE TRANSACTION')) prepared += Number(changed.delete(to));
    if (/issuing COMMIT$/.test(message)) expect(changed.has(to)).toBe(false);
  }
  expect(prepared).toBeGreaterThan(0);
  expect(changed.size).toBe(0);
}

it('are what a commit of one row has, and one of many', async () => {
  for (const rows of [1, 500]) {
    const batches = [eventBatch(rows)];
    await expectTwoPhases(() => committer.committer.commit({ id: crypto.randomUUID(), batches }));
  }
});

it('are what filling the row of a call has, in one shard alone', async () => {
  const commit = (usage: object) =>
    committer.committer.commit({ id: crypto.randomUUID(), batches: [usageBatch([usage])] });
  await expectTwoPhases(() => commit(call));
  await expectTwoPhases(() => commit({ ...call, layer: 'L2' }));
  expect(await database.rows('select layer from usage_stats')).toEqual([{ layer: 'L2' }]);
});

it('are what a sweep has, and an erasure', async () => {
  await database.rows(`insert into system_telemetry (event_type, value) select 'DIRECT', g
    from generate_series(1, 20) as g`);
  await expectTwoPhases(() => work.sweep());
  await database.rows(`insert into system_telemetry (event_type) values ('DIRECT')`);
  await expectTwoPhases(() => work.sweep());
  const audit = new Audit(work.db, silentLogger);
  const whose = subjectOf({ user_id: 'ada', session_id: undefined });
  await expectTwoPhases(() => erase(new Writer(work.pool), audit, { name: 'test' }, whose, false));
  expect(await database.count('select count(*) from usage_stats')).toBe(0);
});

it('are what a dead letter has that is stored after all', async () => {
  const batch = eventBatch(1);
  await committer.committer.keep(batch, 'tried');
  const { fresh } = work;
  const letters = new DeadLetters(work.db, new Writer(committer.pool), { fresh }, new Registry());
  const [letter] = await database.rows<{ id: string }>('select id from dead_letters');
  await expectTwoPhases(() => letters.replay([letter?.id ?? '']));
  expect(await database.count('select count(*) from dead_letters')).toBe(0);
});

it('are what a new price has, of one call', async () => {
  const counted = { ...call, responseId: 'r2', inputTokens: 1_000_000n };
  await committer.committer.commit({
    id: crypto.randomUUID(),
    batches: [usageBatch([counted])],
  });
  const price = { model: 'gpt-5', usd_per_million_tokens: { input: 2, output: 2 } };
  const own = parseOwnPrices(JSON.stringify({ prices: [price] }), new Date());
  const options = { since: new Date(Date.now() - 60_000), dryRun: false };
  await expectTwoPhases(async () => {
    for await (const _ of reprice(work.db, new Pricer(() => own), options));
  });
  expect(await database.count('select sum(cost_usd) from usage_stats')).toBe(2);
});

it('are what retention has of a row that lies in no day', async () => {
  await insertDays(database, 400);
  await work.sweep();
  await expectTwoPhases(() => retention.run());
  expect(retention.deleted).toContain('system_telemetry 1');
});
