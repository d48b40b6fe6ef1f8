import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import type { Batch } from '../../src/buffer/batch.ts';
import type { GroupCommitter, Origin } from '../../src/commit/group-committer.ts';
import { encodeOptions } from '../records/generators.ts';
import { eventBatch } from '../support/batches.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onCluster } from '../support/on-cluster.ts';

let database: TestDatabase;
let made: Record<Origin, TestCommitter>;
const committer = (origin: Origin): GroupCommitter => made[origin].committer;
beforeEach(async () => {
  database = await createDatabase();
  made = {
    callers: createCommitter(database, 'callers'),
    spool: createCommitter(database, 'spool'),
  };
});
afterEach(async () => {
  await made.callers.end();
  await made.spool.end();
  await database.drop();
});

const stored = () => database.count('select count(*) from system_telemetry');
const letters = () =>
  database.rows<{ batch_id: string; reason: string; payload: Record<string, unknown> }>(
    'select batch_id, reason, payload from dead_letters',
  );

/** A batch of events, the second of which has a text that no index takes. */
function batchWithLongText(rows: number): Batch {
  const text = randomBytes(8000).toString('base64');
  const events = Array.from({ length: rows }, (_, index) =>
    create(EventSchema, { eventType: 'LONG', metadata: index === 1 ? { text } : {} }),
  );
  return encodeBatch({ batchId: uuidv7(), events, usage: [] }, encodeOptions);
}

const group = (...batches: Batch[]) => ({ id: uuidv7(), batches });
const none = { event: 0, usage: 0 };

/** A trigger after which the server itself cancels the statement that writes such a row. */
const cancelling = `
  create function cancelling() returns trigger language plpgsql as $$
    begin
      if new.value = 1 then
        perform pg_cancel_backend(pg_backend_pid()), pg_sleep(1);
      end if;
      return new;
    end $$;
  create trigger cancelling before insert on system_telemetry
    for each row execute function cancelling()`;

describe.each(['callers', 'spool'] as const)('what PostgreSQL does not take, from %s', (origin) => {
  it('is told from an outage by other rows, which it takes (4.4)', async () => {
    await database.rows(`create index on system_telemetry ((metadata->>'text'))`);
    await database.rows('alter table usage_stats rename to elsewhere');
    const bad = batchWithLongText(5);
    const both = group(eventBatch(2), bad, eventBatch(3));
    expect(await committer(origin).commit(both)).toEqual([
      { kind: 'stored', deadLettered: none },
      { kind: 'stored', deadLettered: { event: 1, usage: 0 } },
      { kind: 'stored', deadLettered: none },
    ]);
    expect(await stored()).toBe(2 + 4 + 3);
    expect(await letters()).toMatchObject([
      { batch_id: bad.id, reason: expect.stringMatching(/SQLSTATE 54000/) },
    ]);
    // The answer was lost: the same again, and nothing twice.
    expect(await committer(origin).commit(both)).toMatchObject([
      { kind: 'stored' },
      { kind: 'stored', deadLettered: { event: 1 } },
      { kind: 'stored' },
    ]);
    expect(await stored()).toBe(2 + 4 + 3);
    expect(await letters()).toHaveLength(1);
  });

  it.each(['57014', '53100', '55P03', '54000', 'P0001', '42501', '53400', '55000', 'XX000'])(
    'is an outage where all rows fail alike, with SQLSTATE %s (4.3)',
    async (sqlState) => {
      await database.rows(`create function refuse() returns trigger language plpgsql as $$
        begin raise exception using errcode = '${sqlState}', message = 'no'; end $$`);
      await database.rows(`create trigger refuse before insert on system_telemetry
        for each row execute function refuse()`);
      const given = group(eventBatch(2), eventBatch(3));
      const { commit, commitSuspects } = committer(origin);
      await expect(commit(given)).rejects.toMatchObject({ kind: 'retryable' });
      await expect(commitSuspects(given)).rejects.toMatchObject({ kind: 'retryable' });
      await database.rows('drop trigger refuse on system_telemetry');
      expect(await letters()).toEqual([]);
      expect(await commit(given)).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
      expect(await stored()).toBe(5);
    },
  );

  it.each(['P0001', '55000', '53400', 'XX000', '0A000'])(
    'is a dead letter, whatever a trigger says of that one row: SQLSTATE %s',
    async (sqlState) => {
      await database.rows(`create function refuse() returns trigger language plpgsql as $$
        begin
          if new.value = 1 then
            raise exception using errcode = '${sqlState}', message = 'not this one';
          end if;
          return new;
        end $$`);
      await database.rows(`create trigger refuse before insert on system_telemetry
        for each row execute function refuse()`);
      expect(await committer(origin).commit(group(eventBatch(3)))).toEqual([
        { kind: 'stored', deadLettered: { event: 1, usage: 0 } },
      ]);
      expect(await stored()).toBe(2);
      expect(await letters()).toMatchObject([{ reason: expect.stringContaining(sqlState) }]);
    },
  );

  it('costs nobody else anything where its rows are garbage', async () => {
    const garbage = eventBatch(3);
    const copy = Buffer.from([0, 8, 0, 0, 0, 99, 1, 2, 3]);
    const bad = { ...garbage, rows: { ...garbage.rows, event: { count: 3, copy } } };
    expect(await committer(origin).commit(group(eventBatch(2), bad))).toEqual([
      { kind: 'stored', deadLettered: none },
      { kind: 'stored', deadLettered: { event: 3, usage: 0 } },
    ]);
    expect(await stored()).toBe(2);
    const kept = await database.rows<{ row: Buffer }>('select "row", payload from dead_letters');
    expect(kept).toEqual([{ row: copy, payload: {} }]);
  });
});

describe('rows that are suspected, since their group fails again and again', () => {
  const suspects = () => committer('spool').commitSuspects;
  const retryable = { kind: 'retryable' };

  // Workers cancel, and lock, what is theirs: that is trouble of theirs to whoever commits (test/citus).
  it.skipIf(onCluster)(
    'are dead letters, also where the server itself calls it a circumstance',
    async () => {
      await database.rows(cancelling);
      const given = group(eventBatch(2), eventBatch(1));
      await expect(committer('spool').commit(given)).rejects.toMatchObject(retryable);
      expect(await suspects()(given)).toEqual([
        { kind: 'stored', deadLettered: { event: 1, usage: 0 } },
        { kind: 'stored', deadLettered: none },
      ]);
      expect(await stored()).toBe(2);
      expect(await letters()).toMatchObject([{ reason: expect.stringContaining('57014') }]);
    },
  );

  const impatient = async (work: (commit: GroupCommitter['commitSuspects']) => Promise<void>) => {
    const { committer, end } = createCommitter(database, 'spool', { lock_timeout: 200 });
    await work(committer.commitSuspects).finally(end);
  };
  const holding = async (lock: string, work: () => Promise<void>) => {
    const holder = await database.pool.connect();
    await holder.query(`begin; ${lock}`);
    await work();
    await holder.query('rollback');
    holder.release();
    expect(await letters()).toEqual([]);
  };

  it.skipIf(onCluster)(
    'are not to blame where nothing gets into the partition that they go to',
    async () => {
      const yesterday = new Date(Date.now() - 86_400_000);
      const partition = `system_telemetry_${yesterday.toISOString().slice(0, 10).replaceAll('-', '')}`;
      const events = [
        create(EventSchema, { eventType: 'LATE', timestamp: timestampFromDate(yesterday) }),
      ];
      const given = group(encodeBatch({ batchId: uuidv7(), events, usage: [] }, encodeOptions));
      await impatient(async (commit) => {
        await holding(`lock table ${partition}`, async () => {
          await expect(commit(given)).rejects.toMatchObject(retryable);
        });
        expect(await commit(given)).toMatchObject([{ kind: 'stored', deadLettered: none }]);
      });
      expect(await database.count(`select count(*) from ${partition}`)).toBe(1);
    },
  );

  it('are not to blame where somebody else has their id under way', async () => {
    const given = group(eventBatch(2));
    const claim = `insert into batch_ledger (batch_id, fingerprint, group_id)
      values ('${given.batches[0]?.id}', '', gen_random_uuid())`;
    await impatient(async (commit) => {
      await holding(claim, async () => {
        await expect(commit(given)).rejects.toMatchObject(retryable);
      });
      expect(await commit(given)).toMatchObject([{ kind: 'stored', deadLettered: none }]);
    });
  });
});

describe('a dead letter', () => {
  it('has the bytes only, where what people would read is not taken either', async () => {
    await database.rows(`create index on system_telemetry ((metadata->>'text'))`);
    await database.rows(`create index on dead_letters ((payload->'metadata'->>'text'))`);
    const bad = batchWithLongText(2);
    expect(await committer('callers').commit(group(bad))).toMatchObject([
      { kind: 'stored', deadLettered: { event: 1 } },
    ]);
    expect(await letters()).toEqual([
      { batch_id: bad.id, reason: expect.stringContaining('54000'), payload: {} },
    ]);
  });

  it('stands for one row, also where two of a batch are the same', async () => {
    await database.rows(
      `alter table system_telemetry add constraint no_twins check (event_type <> 'TWIN')`,
    );
    const id = uuidv7();
    const twin = () => create(EventSchema, { id, eventType: 'TWIN', value: 1 });
    const events = [twin(), twin(), create(EventSchema, { eventType: 'OTHER' })];
    const batch = encodeBatch({ batchId: uuidv7(), events, usage: [] }, encodeOptions);
    const given = group(batch);
    for (let time = 0; time < 2; time++) {
      expect(await committer('callers').commit(given)).toMatchObject([
        { kind: 'stored', deadLettered: { event: 2 } },
      ]);
      expect(await letters()).toHaveLength(2);
    }
  });

  it('is part of the first answer, which a repetition gets', async () => {
    await database.rows('alter table system_telemetry add constraint no_zeros check (value <> 0)');
    const batch = eventBatch(3);
    await committer('callers').commit(group(batch));
    expect(await committer('callers').commit(group(batch))).toEqual([
      { kind: 'duplicate', answer: { ...batch.answer, deadLettered: { event: 1, usage: 0 } } },
    ]);
  });
});

it('keeps a batch without a look at it, once, and gives a repetition that answer', async () => {
  const batch = { ...eventBatch(3), groupId: uuidv7() };
  const deadLettered = { event: 3, usage: 0 };
  for (let time = 0; time < 2; time++) {
    expect(await committer('spool').keep(batch, 'too odd')).toEqual({
      kind: 'stored',
      deadLettered,
    });
    expect(await letters()).toHaveLength(3);
  }
  const { groupId: _, ...again } = batch;
  expect(await committer('callers').commit(group(again))).toEqual([
    { kind: 'duplicate', answer: { ...batch.answer, deadLettered } },
  ]);
  expect(await stored()).toBe(0);
});

it('throws a mistake of our own as it is, and never calls it an outage', async () => {
  const broken = { ...eventBatch(1), id: undefined } as unknown as Batch;
  for (const origin of ['callers', 'spool'] as const) {
    await expect(committer(origin).commit(group(broken))).rejects.toThrow(TypeError);
  }
});
