import { describe, expect, it } from 'vitest';
import { settle } from './fake-time.ts';
import { createBuffer, makeBatch, never, overheadBytes } from './memory-commit.ts';

const overloaded = { kind: 'overloaded', retryDelayMs: expect.any(Number) };
const shuttingDown = { kind: 'shuttingDown', retryDelayMs: expect.any(Number) };

describe('outcomes', () => {
  it('come after the commit, with the answer of the batch', async () => {
    const { buffer, commit, records } = createBuffer();
    const batch = makeBatch({ rows: 3, rejected: 1 });
    const outcome = buffer.offer(batch, 'unary', never);
    const call = await commit.next();
    expect(await records()).toMatchObject({ received: 4, pending: 4 });
    expect(buffer).toMatchObject({ depth: 1, bytes: overheadBytes });
    call.succeed();
    expect(await outcome).toEqual({
      durability: 'committed',
      duplicate: false,
      answer: batch.answer,
    });
    expect(await records()).toMatchObject({ pending: 0, stored: 3, rejected: 1 });
    expect(buffer).toMatchObject({ depth: 0, bytes: 0 });
  });

  it('are the first answer for a repetition, and conflict for other content', async () => {
    const { buffer, commit, records } = createBuffer();
    const first = makeBatch({ rows: 2, content: 'a' });
    const again = makeBatch({ id: first.id, rows: 2, content: 'a' });
    const other = makeBatch({ id: first.id, rows: 5, content: 'b' });
    const offers = [];
    for (const batch of [first, again, other]) {
      const outcome = buffer.offer(batch, 'unary', never).catch((error) => error);
      (await commit.next()).succeed();
      offers.push(await outcome);
    }
    expect(offers).toMatchObject([
      { duplicate: false },
      { duplicate: true, answer: first.answer },
      { kind: 'conflict', field: 'batch_id' },
    ]);
    expect(await records()).toMatchObject({ received: 9, stored: 2, duplicate: 2, refused: 5 });
  });

  it('say that a batch is spooled, and spare its neighbours', async () => {
    const { buffer, commit, records } = createBuffer();
    const [blocker, away, good] = [makeBatch(), makeBatch({ rows: 7 }), makeBatch()];
    const offers = [blocker, away, good].map((batch) => buffer.offer(batch, 'unary', never));
    (await commit.next()).succeed();
    const call = await commit.next();
    expect(call.group.batches).toEqual([away, good]);
    call.succeed(new Set([away]));
    expect(await offers[1]).toMatchObject({ durability: 'spooled', duplicate: false });
    expect(await offers[2]).toMatchObject({ durability: 'committed', duplicate: false });
    expect(await records()).toMatchObject({ received: 9, stored: 2, pending: 7 });
  });
});

describe('twins', () => {
  it('never travel together, however many are offered at once', async () => {
    const { buffer, commit } = createBuffer();
    const first = makeBatch();
    const twins = [first, makeBatch({ id: first.id }), makeBatch({ id: first.id })];
    const outcomes = twins.map((twin) => buffer.offer(twin, 'unary', never));
    for (const _ of twins) {
      const call = await commit.next();
      expect(call.group.batches).toHaveLength(1);
      await settle();
      expect(commit.open.size).toBe(1);
      call.succeed();
    }
    expect(await Promise.all(outcomes)).toMatchObject([
      { duplicate: false },
      { duplicate: true, answer: first.answer },
      { duplicate: true, answer: first.answer },
    ]);
  });

  it('wait for each other across lanes', async () => {
    const { buffer, commit } = createBuffer();
    const first = makeBatch({ content: 'a' });
    const twin = makeBatch({ id: first.id, content: 'b' });
    const { acknowledged } = await buffer.admit(first, never);
    const second = buffer.offer(twin, 'unary', never);
    await settle();
    expect(commit.calls).toHaveLength(1);
    (await commit.next()).succeed();
    expect(await acknowledged).toMatchObject({ duplicate: false });
    (await commit.next()).succeed();
    await expect(second).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('take the place of one that failed', async () => {
    const { buffer, commit } = createBuffer();
    const first = makeBatch();
    const offers = [first, makeBatch({ id: first.id })].map((batch) =>
      buffer.offer(batch, 'unary', never),
    );
    (await commit.next()).fail('permanent');
    await expect(offers[0]).rejects.toMatchObject({ kind: 'permanent' });
    (await commit.next()).succeed();
    expect(await offers[1]).toMatchObject({ duplicate: false });
  });

  it('are not waited for beyond the deadline', async () => {
    const { buffer, commit, records } = createBuffer();
    const first = makeBatch();
    const deadline = new AbortController();
    const outcome = buffer.offer(first, 'unary', never);
    const twin = buffer.offer(makeBatch({ id: first.id }), 'unary', deadline.signal);
    deadline.abort();
    await expect(twin).rejects.toMatchObject({ kind: 'retryable' });
    (await commit.next()).succeed();
    await outcome;
    await settle();
    expect(commit.calls).toHaveLength(1);
    expect(await records()).toMatchObject({ received: 1, stored: 1 });
  });
});

describe('room', () => {
  const twoBatches = { budgetBytes: 2 * overheadBytes };

  it('is refused to an offer when there is none', async () => {
    const { buffer, commit, records } = createBuffer(twoBatches);
    const held = [makeBatch(), makeBatch()].map((batch) => buffer.offer(batch, 'stream', never));
    await expect(buffer.offer(makeBatch(), 'stream', never)).rejects.toMatchObject(overloaded);
    expect(await records()).toMatchObject({ received: 2, pending: 2 });
    (await commit.next()).succeed();
    (await commit.next()).succeed();
    await Promise.all(held);
    const later = buffer.offer(makeBatch(), 'stream', never);
    (await commit.next()).succeed();
    expect(await later).toMatchObject({ duplicate: false });
  });

  it('is promised for a whole number of milliseconds, from the rate at which it is made', async () => {
    const { buffer, commit } = createBuffer({ budgetBytes: 500 * overheadBytes });
    const first = buffer.offer(makeBatch(), 'stream', never);
    (await commit.next()).succeed();
    await first;
    void buffer.offer(makeBatch({ bytes: 500 * overheadBytes }), 'stream', never);
    const refusal = await buffer.offer(makeBatch(), 'stream', never).catch((error) => error);
    expect(refusal).toMatchObject({ kind: 'overloaded' });
    expect(Number.isInteger(refusal.retryDelayMs)).toBe(true);
    expect(refusal.retryDelayMs).not.toBe(1000);
    (await commit.next()).succeed();
  });

  it('is waited for by admit: first come, first served', async () => {
    const { buffer, commit } = createBuffer(twoBatches);
    const batches = Array.from({ length: 6 }, () => makeBatch());
    const admitted: number[] = [];
    const outcomes = batches.map(async (batch, index) => {
      const { acknowledged } = await buffer.admit(batch, never);
      admitted.push(index);
      await acknowledged;
    });
    await settle();
    expect(admitted).toEqual([0, 1]);
    for (let more = true; more; more = commit.open.size > 0) {
      (await commit.next()).succeed();
      await settle();
    }
    await Promise.all(outcomes);
    expect(admitted).toEqual([0, 1, 2, 3, 4, 5]);
    expect(commit.calls.flatMap((call) => call.group.batches)).toEqual(batches);
  });

  it('goes to nobody past one who waits for more of it', async () => {
    const { buffer, commit } = createBuffer(twoBatches);
    const small = await buffer.admit(makeBatch(), never);
    const large = buffer.admit(makeBatch({ bytes: 2 * overheadBytes }), never);
    const next = buffer.admit(makeBatch(), never);
    await settle();
    await expect(buffer.offer(makeBatch(), 'stream', never)).rejects.toMatchObject(overloaded);
    (await commit.next()).succeed();
    await small.acknowledged;
    (await commit.next()).succeed();
    await (await large).acknowledged;
    (await commit.next()).succeed();
    await (await next).acknowledged;
    expect(commit.calls.map((call) => call.group.batches[0]?.rows.event.copy.byteLength)).toEqual([
      0,
      overheadBytes,
      0,
    ]);
  });

  it('passes on to the next when the one who waits gives up', async () => {
    const { buffer, commit, records } = createBuffer(twoBatches);
    const small = await buffer.admit(makeBatch(), never);
    const patience = new AbortController();
    const large = buffer.admit(makeBatch({ bytes: 2 * overheadBytes }), patience.signal);
    const next = buffer.admit(makeBatch(), never);
    await settle();
    patience.abort(new Error('gone'));
    await expect(large).rejects.toThrow('gone');
    const { acknowledged } = await next;
    (await commit.next()).succeed();
    (await commit.next()).succeed();
    await Promise.all([small.acknowledged, acknowledged]);
    expect(await records()).toMatchObject({ received: 3, stored: 2, refused: 1 });
    expect(buffer.bytes).toBe(0);
  });

  it('is given at once where there is any, and to nobody past one who waits', async () => {
    const { buffer, commit, records } = createBuffer(twoBatches);
    const first = makeBatch();
    const held = [first, makeBatch()].map((batch) => buffer.admitNow(batch)?.acknowledged);
    expect(buffer.admitNow(makeBatch())).toBeUndefined();
    const waiting = buffer.admit(makeBatch(), never);
    await settle();
    (await commit.next()).succeed();
    expect(await held[0]).toMatchObject({ durability: 'committed', duplicate: false });
    const { acknowledged } = await waiting;
    expect(buffer.admitNow(makeBatch())).toBeUndefined();
    (await commit.next()).fail('permanent');
    await expect(held[1]).rejects.toMatchObject({ kind: 'permanent' });
    expect(
      buffer.admitNow(makeBatch({ id: commit.calls[2]?.group.batches[0]?.id as string })),
    ).toBe(undefined);
    (await commit.next()).succeed();
    await acknowledged;
    expect(await records()).toMatchObject({ received: 3, pending: 0, stored: 2, refused: 1 });
    await buffer.close();
    expect(buffer.admitNow(makeBatch())).toBeUndefined();
    expect(buffer.bytes).toBe(0);
  });

  it('is never too small for one batch in an empty lane', async () => {
    const { buffer, commit } = createBuffer(twoBatches);
    const outcome = buffer.offer(makeBatch({ bytes: 9 * overheadBytes }), 'stream', never);
    await settle();
    await expect(buffer.offer(makeBatch(), 'stream', never)).rejects.toMatchObject(overloaded);
    (await commit.next()).succeed();
    expect(await outcome).toMatchObject({ duplicate: false });
  });
});

describe('deadlines', () => {
  it('take a queued batch back, which is not stored later on', async () => {
    const { buffer, commit, records } = createBuffer();
    const blocker = buffer.offer(makeBatch(), 'unary', never);
    const call = await commit.next();
    const deadline = new AbortController();
    const queued = buffer.offer(makeBatch(), 'unary', deadline.signal);
    await settle();
    deadline.abort();
    await expect(queued).rejects.toMatchObject({
      kind: 'retryable',
      message: expect.stringContaining('not stored'),
      retryDelayMs: expect.any(Number),
    });
    expect(buffer.depth).toBe(1);
    call.succeed();
    await blocker;
    await settle();
    expect(commit.calls).toHaveLength(1);
    expect(await records()).toMatchObject({ received: 2, stored: 1, refused: 1 });
  });

  it('of a batch under way are answered retryable, and it goes on', async () => {
    const { buffer, commit, records } = createBuffer();
    const deadline = new AbortController();
    const outcome = buffer.offer(makeBatch(), 'unary', deadline.signal);
    const call = await commit.next();
    deadline.abort();
    await expect(outcome).rejects.toMatchObject({
      kind: 'retryable',
      message: expect.stringContaining('may be stored'),
      retryDelayMs: expect.any(Number),
    });
    expect(await records()).toMatchObject({ received: 1, pending: 1 });
    call.succeed();
    await settle();
    expect(await records()).toMatchObject({ received: 1, pending: 0, stored: 1 });
  });

  it('of an admitted batch end the wait and not the batch', async () => {
    const { buffer, commit, records } = createBuffer();
    const stream = new AbortController();
    const { acknowledged } = await buffer.admit(makeBatch(), stream.signal);
    stream.abort();
    await expect(acknowledged).rejects.toMatchObject({ kind: 'retryable' });
    (await commit.next()).succeed();
    await settle();
    expect(await records()).toMatchObject({ received: 1, stored: 1 });
  });
});

describe('lanes', () => {
  it('do not delay each other', async () => {
    const { buffer, commit } = createBuffer({ budgetBytes: overheadBytes });
    const { acknowledged } = await buffer.admit(makeBatch(), never);
    const blocked = await commit.next();
    const waiting = buffer.admit(makeBatch(), never);
    const unary = buffer.offer(makeBatch(), 'unary', never);
    (await commit.next()).succeed();
    expect(await unary).toMatchObject({ duplicate: false });
    blocked.succeed();
    await acknowledged;
    (await commit.next()).succeed();
    await (await waiting).acknowledged;
  });
});

describe('close', () => {
  it('commits what is held, refuses whoever waits or comes, and then resolves', async () => {
    const { buffer, commit, records } = createBuffer({
      groupAgeMsMax: 3_600_000,
      budgetBytes: 2 * overheadBytes,
    });
    const held = [makeBatch(), makeBatch()];
    const outcomes = held.map(async (batch) => (await buffer.admit(batch, never)).acknowledged);
    const waiting = buffer.admit(makeBatch(), never);
    await settle();
    expect(commit.calls).toHaveLength(0);
    let closed = false;
    const close = buffer.close().then(() => {
      closed = true;
    });
    await expect(waiting).rejects.toMatchObject(shuttingDown);
    await expect(buffer.offer(makeBatch(), 'unary', never)).rejects.toMatchObject(shuttingDown);
    await expect(buffer.admit(makeBatch(), never)).rejects.toMatchObject(shuttingDown);
    const call = await commit.next();
    expect(call.group.batches).toEqual(held);
    expect(closed).toBe(false);
    call.succeed();
    await close;
    expect(await Promise.all(outcomes)).toHaveLength(2);
    expect(await records()).toMatchObject({ received: 3, pending: 0, stored: 2, refused: 1 });
  });

  it('resolves at once when nothing is held', async () => {
    const { buffer, commit } = createBuffer();
    await buffer.close();
    expect(commit.calls).toHaveLength(0);
  });

  it('waits for what came in the same turn', async () => {
    const { buffer, commit } = createBuffer();
    const outcome = buffer.offer(makeBatch(), 'unary', never);
    const close = buffer.close();
    (await commit.next()).succeed();
    await close;
    expect(buffer.depth).toBe(0);
    expect(await outcome).toMatchObject({ duplicate: false });
  });
});
