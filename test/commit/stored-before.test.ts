import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Event,
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import type { Batch } from '../../src/buffer/batch.ts';
import type { Origin } from '../../src/commit/group-committer.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { dayMs, hourMs } from '../../src/units.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { uuidV7At } from '../support/ids.ts';

let database: TestDatabase;
let made: Record<Origin, TestCommitter>;
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

const commit = (origin: Origin, batch: Batch) =>
  made[origin].committer.commit({ id: uuidv7(), batches: [batch] });
const stored = () => database.count('select count(*) from system_telemetry');
const ofSpool = (batch: Batch): Batch => ({ ...batch, groupId: uuidv7() });

const nowMs = Date.now();
const wide = { ageMsMax: 60 * dayMs, aheadMsMax: hourMs };

interface Init {
  readonly batchId: string;
  readonly atMs: number;
  readonly events: readonly Event[];
  readonly usage?: number;
  /** How old events may be. */
  readonly ageMsMax?: number;
}

function encode({ batchId, atMs, events, usage = 0, ageMsMax = wide.ageMsMax }: Init): Batch {
  const records = Array.from({ length: usage }, () => create(UsageSchema, { model: 'm' }));
  const options = { eventTime: { ...wide, ageMsMax }, batchIdTime: wide };
  return encodeBatch({ batchId, events, usage: records }, options, 'batch_id', atMs);
}

const event = (value: number, timeMs?: number) =>
  create(EventSchema, {
    eventType: 'SLEPT',
    value,
    ...(timeMs !== undefined && { timestamp: timestampFromMs(timeMs) }),
  });

describe('a batch of the spool that is older than the ledger (5.7)', () => {
  const atMs = nowMs - 20 * dayMs;
  /** What maintenance does while the batch sleeps. */
  async function forget(): Promise<void> {
    await database.rows('delete from batch_ledger');
    const fromMs = nowMs - 14 * dayMs;
    const window = { table: 'batch_ledger', fromMs, toMs: nowMs } as const;
    await ensurePartitions(createKysely(database.pool), window);
  }

  it.each([
    ['that have a time of their own', [event(1, atMs - hourMs), event(2, atMs - 3 * dayMs)]],
    ['that have the time of their arrival', [event(1), event(2)]],
    ['of both kinds', [event(1, atMs), event(2)]],
  ])('is not stored twice: events %s', async (_, events) => {
    const batch = encode({ batchId: uuidV7At(atMs), atMs, events, usage: 3 });
    // COMMIT had succeeded, its answer was lost, and the batch went to the spool.
    await commit('callers', batch);
    await forget();
    expect(await commit('spool', ofSpool(batch))).toEqual([
      { kind: 'stored', known: { event: 2, usage: 3 } },
    ]);
    expect(await stored()).toBe(2);
    expect(await database.count('select count(*) from usage_stats')).toBe(3);
  });

  it('is not stored twice where another collector had it a day later', async () => {
    const batchId = uuidV7At(atMs);
    const events = [event(1), event(2)];
    await commit('callers', encode({ batchId, atMs: atMs + dayMs, events }));
    await forget();
    expect(await commit('spool', ofSpool(encode({ batchId, atMs, events })))).toMatchObject([
      { known: { event: 2 } },
    ]);
    expect(await stored()).toBe(2);
  });

  it('is stored where its rows are nowhere, beside others', async () => {
    const old = encode({ batchId: uuidV7At(atMs), atMs, events: [event(1), event(2, atMs)] });
    await forget();
    expect(await commit('spool', ofSpool(old))).toEqual([
      { kind: 'stored', known: { event: 0, usage: 0 } },
    ]);
    const fresh = encode({ batchId: uuidv7(), atMs: nowMs, events: [event(3)] });
    expect(await commit('spool', ofSpool(fresh))).toEqual([{ kind: 'stored' }]);
    expect(await stored()).toBe(3);
  });

  it('keeps its rows apart from others that have their ids by chance', async () => {
    const id = uuidv7();
    const same = (timeMs: number) =>
      create(EventSchema, { id, eventType: 'GIVEN', timestamp: timestampFromMs(timeMs) });
    await commit(
      'callers',
      encode({ batchId: uuidV7At(atMs - hourMs), atMs, events: [same(atMs - hourMs)] }),
    );
    await forget();
    const old = encode({ batchId: uuidV7At(atMs), atMs, events: [same(atMs - 1)] });
    await commit('spool', ofSpool(old));
    expect(await stored()).toBe(2);
  });

  it('has each of its rows stored, also those that are the same', async () => {
    const id = uuidv7();
    const twin = () =>
      create(EventSchema, { id, eventType: 'TWIN', timestamp: timestampFromMs(atMs) });
    const old = encode({ batchId: uuidV7At(atMs), atMs, events: [twin(), twin(), event(1)] });
    await commit('callers', old);
    const [one] = await database.rows<{ id: string; place: string }>(
      `select id, ctid::text as place from system_telemetry where event_type = 'TWIN' limit 1`,
    );
    await database.rows('delete from system_telemetry where id = $1 and ctid = $2::tid', [
      one?.id,
      one?.place,
    ]);
    await forget();
    expect(await commit('spool', ofSpool(old))).toEqual([
      { kind: 'stored', known: { event: 2, usage: 0 } },
    ]);
    expect(await stored()).toBe(3);
  });
});

describe('a batch of the spool that came again under other rules (5.7)', () => {
  const batchId = uuidV7At(nowMs - hourMs);
  const events = [event(1, nowMs - hourMs), event(2, nowMs - 20 * dayMs), event(3)];
  const spooled = () => encode({ batchId, atMs: nowMs - hourMs, events });

  it('is stored as far as the later rules have rejected it', async () => {
    const resent = encode({ batchId, atMs: nowMs, events, ageMsMax: 10 * dayMs });
    expect(resent.answer.rejected.event).toBe(1);
    await commit('callers', resent);
    expect(await stored()).toBe(2);
    const batch = ofSpool(spooled());
    for (let drained = 0; drained < 2; drained++) {
      expect(await commit('spool', batch)).toMatchObject([{ kind: 'stored' }]);
      const values = await database.rows('select value from system_telemetry order by value');
      expect(values).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
    }
  });

  it('is a duplicate where nothing differs', async () => {
    const rejecting = () => encode({ batchId, atMs: nowMs, events, ageMsMax: 10 * dayMs });
    await commit('callers', rejecting());
    expect(await commit('spool', ofSpool(rejecting()))).toMatchObject([{ kind: 'duplicate' }]);
    expect(await stored()).toBe(2);
  });

  it('is a duplicate where the later rules took more', async () => {
    await commit('callers', spooled());
    const rejecting = encode({ batchId, atMs: nowMs, events, ageMsMax: 10 * dayMs });
    expect(await commit('spool', ofSpool(rejecting))).toMatchObject([{ kind: 'duplicate' }]);
    expect(await stored()).toBe(3);
  });
});
