import type pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../src/buffer/batch.ts';
import { GroupCommitter } from '../../src/commit/group-committer.ts';
import { Writer } from '../../src/commit/writer.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { writerLimits } from '../../src/postgres/settings.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import { eventBatch } from '../support/batches.ts';
import { startCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';

let database: TestDatabase;
let pool: pg.Pool;
let commit: GroupCommitter['commit'];
beforeEach(async () => {
  database = await createDatabase();
  pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test writer',
    connectionsMax: 2,
    limits: writerLimits,
    logger: silentLogger,
  });
  commit = new GroupCommitter(new Writer(pool), 'callers', createRollups(pool, 1000)).commit;
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const stored = () => database.count('select count(*) from system_telemetry');
const claimed = () =>
  database.rows<{ batch_id: string }>('select batch_id from batch_ledger order by batch_id');
const deadLetters = () =>
  database.rows('select batch_id, reason, payload from dead_letters order by payload->>$1', [
    'value',
  ]);

/** Ids that the ledger will not take. */
const refuseByCheck = (...ids: string[]) =>
  database.rows(
    `alter table batch_ledger add constraint unwanted check (batch_id not in ('${ids.join("', '")}'))`,
  );

/** The same, but found out only at the end of a transaction. */
async function refuseAtCommit(id: string): Promise<void> {
  await database.rows(`create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'unwanted' using errcode = '23514'; end $$`);
  await database.rows(`create constraint trigger unwanted after insert on batch_ledger
    deferrable initially deferred for each row when (new.batch_id = '${id}')
    execute function refuse()`);
}

describe('a batch whose id the ledger does not take (4.4)', () => {
  it.each([
    ['at once', refuseByCheck],
    ['at COMMIT', refuseAtCommit],
  ])('is a dead letter by itself, where that is found out %s', async (_, refuse) => {
    const batches = [2, 3, 4, 5, 6].map((rows) => eventBatch(rows));
    const bad = batches[3] as Batch;
    const good = batches.filter((batch) => batch !== bad);
    await refuse(bad.id);
    const group = { id: uuidv7(), batches };
    const none = { event: 0, usage: 0 };
    const settlements = batches.map((batch) => ({
      kind: 'stored',
      deadLettered: batch === bad ? { event: 5, usage: 0 } : none,
    }));
    expect(await commit(group)).toEqual(settlements);
    expect(await stored()).toBe(2 + 3 + 4 + 6);
    expect((await claimed()).map(({ batch_id }) => batch_id)).toEqual(
      good.map(({ id }) => id).toSorted(),
    );
    const letters = [0, 1, 2, 3, 4].map((value) => ({
      batch_id: bad.id,
      reason: expect.stringMatching(/unwanted.*SQLSTATE 23514/),
      payload: expect.objectContaining({ value }),
    }));
    expect(await deadLetters()).toEqual(letters);
    // The answer was lost, and the group comes again: nothing of it is there twice.
    expect(await commit(group)).toMatchObject(batches.map(() => ({ kind: 'stored' })));
    expect(await stored()).toBe(2 + 3 + 4 + 6);
    expect(await deadLetters()).toEqual(letters);
  });

  it('does not stand in the way of repetitions, conflicts and refused rows beside it', async () => {
    const [known, other, fresh] = [eventBatch(1), eventBatch(2), eventBatch(8)];
    const [bad, worse] = [eventBatch(3), eventBatch(4)];
    await commit({ id: uuidv7(), batches: [known, other] });
    await refuseByCheck(bad.id, worse.id);
    await database.rows(
      'alter table system_telemetry add constraint no_sevens check (value is distinct from 7)',
    );
    const changed = eventBatch(2, 'CHANGED', other.id);
    const group = { id: uuidv7(), batches: [fresh, worse, changed, known, bad] };
    expect(await commit(group)).toMatchObject([
      { kind: 'stored', deadLettered: { event: 1 } },
      { kind: 'stored', deadLettered: { event: 4 } },
      { kind: 'conflict' },
      { kind: 'duplicate' },
      { kind: 'stored', deadLettered: { event: 3 } },
    ]);
    expect(await stored()).toBe(1 + 2 + 7);
    expect(await deadLetters()).toHaveLength(1 + 4 + 3);
  });

  it('does not hold up the spool', async () => {
    const telemetry = await startCollector({}, database);
    const keys = [1, 2, 3].map(() => uuidv7());
    await refuseByCheck(keys[1] as string);
    const endOutage = await beginOutage(database);
    for (const [value, idempotency_key] of keys.entries()) {
      const event = { event_type: 'SPOOLED', value, idempotency_key };
      const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, event);
      expect(body.durability).toBe('DURABILITY_SPOOLED');
    }
    await endOutage();
    const account = () => accountOf(telemetry.baseUrl);
    await expect.poll(async () => (await account()).pending, { timeout: 10_000 }).toBe(0);
    expect(await account()).toMatchObject({ received: 3, stored: 2, dead_lettered: 1 });
    expect(imbalance(await account())).toBe(0);
    expect(await deadLetters()).toMatchObject([{ batch_id: keys[1], payload: { value: 1 } }]);
    await telemetry.stop();
  });
});
