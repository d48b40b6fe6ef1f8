import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Batch, Settlement } from '../../src/buffer/batch.ts';
import { Lane, type LaneOptions } from '../../src/buffer/lane.ts';
import { pass, resumeTime, settle, stopTime } from './fake-time.ts';
import { laneOptions, MemoryCommit, makeBatch, overheadBytes } from './memory-commit.ts';

vi.mock('node:timers/promises', async () => (await import('./fake-time.ts')).timersPromises);

const hourMs = 3_600_000;

function createLane(options: Partial<LaneOptions>) {
  const commit = new MemoryCommit();
  const lane = new Lane({ ...laneOptions, ...options }, commit.commit);
  const offer = (batch: Batch) => {
    expect(lane.tryReserve(batch)).toBe(true);
    return new Promise<Settlement>((settled, failed) => lane.offer(batch, { settled, failed }));
  };
  return { commit, lane, offer };
}

/** How many batches went into each group, when every group is stored at once. */
async function groupSizes(commit: MemoryCommit): Promise<number[]> {
  while (commit.open.size > 0) {
    for (const call of commit.open) call.succeed();
    await settle();
  }
  return commit.calls.map((call) => call.group.batches.length);
}

beforeEach(stopTime);
afterEach(resumeTime);

describe('groups', () => {
  it('are full by rows', async () => {
    const { commit, offer } = createLane({ groupRowsMax: 10 });
    for (const rows of [1, 4, 4, 2, 4, 4, 10, 1]) void offer(makeBatch({ rows }));
    // The first finds the writer free; the others gather while it writes.
    expect(await groupSizes(commit)).toEqual([1, 3, 2, 1, 1]);
  });

  it('are full by bytes', async () => {
    const { commit, offer } = createLane({ groupBytesMax: 4 * overheadBytes });
    for (const size of [1, 2, 2, 1, 3, 4]) void offer(makeBatch({ bytes: size * overheadBytes }));
    expect(await groupSizes(commit)).toEqual([1, 2, 2, 1]);
  });

  it('consist of one batch that is larger than a group', async () => {
    const { commit, offer } = createLane({ groupRowsMax: 10 });
    for (const rows of [1, 25, 1, 1]) void offer(makeBatch({ rows }));
    expect(await groupSizes(commit)).toEqual([1, 1, 2]);
  });

  it('go out when full, without waiting for their age', async () => {
    const { commit, offer } = createLane({ groupRowsMax: 3, groupAgeMsMax: hourMs });
    const outcomes = [1, 2].map((rows) => offer(makeBatch({ rows })));
    expect(commit.calls).toHaveLength(1);
    (await commit.next()).succeed();
    expect(await Promise.all(outcomes)).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
  });

  it('go out at their age, counted from the oldest batch', async () => {
    const { commit, offer } = createLane({ groupAgeMsMax: 50 });
    void offer(makeBatch());
    await pass(30);
    void offer(makeBatch());
    await pass(19);
    expect(commit.calls).toHaveLength(0);
    await pass(1);
    expect(await groupSizes(commit)).toEqual([2]);
  });

  it('go out one after another, for each its own age', async () => {
    const { commit, offer } = createLane({ groupAgeMsMax: 50, writers: 2 });
    for (const _ of [1, 2]) {
      void offer(makeBatch());
      await pass(50);
    }
    expect(commit.calls).toHaveLength(2);
  });

  it('are written by as many writers as there are, in the order of the queue', async () => {
    const { commit, offer } = createLane({ writers: 2, groupRowsMax: 1 });
    const batches = [1, 2, 3, 4].map(() => makeBatch());
    for (const batch of batches) void offer(batch);
    expect(commit.open.size).toBe(2);
    await groupSizes(commit);
    expect(commit.calls.flatMap((call) => call.group.batches)).toEqual(batches);
  });

  it('press where one that is full waits for a writer', async () => {
    const { commit, lane, offer } = createLane({ writers: 1, groupRowsMax: 2 });
    const offered = () => {
      void offer(makeBatch({ rows: 1 }));
      return lane.isPressed;
    };
    // The first is written at once, the second is no full group.
    expect([1, 2, 3].map(offered)).toEqual([false, false, true]);
    (await commit.next()).succeed();
    await settle();
    expect(lane.isPressed).toBe(false);
  });
});

describe('failures', () => {
  it.each(['retryable', 'permanent', 'unexpected'] as const)(
    'of kind %s are told, and not tried again',
    async (kind) => {
      const { commit, lane, offer } = createLane({});
      const outcome = offer(makeBatch());
      (await commit.next()).fail(kind);
      await expect(outcome).rejects.toThrow(kind);
      await pass(hourMs);
      expect(commit.calls).toHaveLength(1);
      expect(lane).toMatchObject({ batches: 0, bytes: 0 });
    },
  );
});

describe('withdrawing', () => {
  it('takes a batch out of the next group, and its room with it', async () => {
    const { commit, lane, offer } = createLane({ budgetBytes: 3 * overheadBytes });
    const batches = [1, 2, 3].map(() => makeBatch()) as [Batch, Batch, Batch];
    const outcomes = batches.map(offer);
    lane.withdraw(batches[1], new Error('taken back'));
    await expect(outcomes[1]).rejects.toThrow('taken back');
    expect(lane.bytes).toBe(2 * overheadBytes);
    await groupSizes(commit);
    expect(commit.calls.flatMap((call) => call.group.batches)).toEqual([batches[0], batches[2]]);
  });

  it('leaves alone what a writer has taken', async () => {
    const { commit, lane, offer } = createLane({});
    const batch = makeBatch();
    const outcome = offer(batch);
    lane.withdraw(batch, new Error('taken back'));
    (await commit.next()).succeed();
    expect(await outcome).toEqual({ kind: 'stored' });
  });
});

describe('draining', () => {
  it('waits for no age and ends with the last commit', async () => {
    const { commit, lane, offer } = createLane({ groupAgeMsMax: hourMs, groupRowsMax: 2 });
    for (const _ of [1, 2, 3]) void offer(makeBatch());
    let drained = false;
    void lane.drain(new Error('closed')).then(() => {
      drained = true;
    });
    (await commit.next()).succeed();
    await settle();
    expect(drained).toBe(false);
    (await commit.next()).succeed();
    await settle();
    expect(drained).toBe(true);
    expect(await groupSizes(commit)).toEqual([2, 1]);
  });
});

describe('the time until what is held is settled', () => {
  /** After groups of one batch that took so long each, while there are so many more. */
  async function settledInMs(groupMs: number, held: number): Promise<number | undefined> {
    const { commit, lane, offer } = createLane({ groupRowsMax: 1 });
    for (let count = 0; count < 20 + held; count++) void offer(makeBatch());
    for (let count = 0; count < 20; count++) {
      const call = await commit.next();
      await pass(groupMs);
      call.succeed();
      await settle();
    }
    return lane.settledInMs;
  }

  it.each([
    { groupMs: 10, held: 30, expected: 300 },
    { groupMs: 20, held: 30, expected: 600 },
    { groupMs: 100, held: 30, expected: 3000 },
    { groupMs: 100, held: 60, expected: 6000 },
  ])('follows rate and backlog: $groupMs ms a group, $held groups', async (example) => {
    expect(await settledInMs(example.groupMs, example.held)).toBeCloseTo(example.expected, -1);
  });

  it('is not known while nothing is settled', async () => {
    const { lane, offer } = createLane({});
    void offer(makeBatch());
    await pass(5000);
    expect(lane.settledInMs).toBeUndefined();
  });
});
