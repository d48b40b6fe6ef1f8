import { expect, it } from 'vitest';
import { KeyUse } from '../../src/admin/key-use.ts';

const shared = { bufferBytesMax: 1000, queryConnectionsMax: 10 };

function keyUse(limits: KeyUse['limits']): KeyUse {
  const use = new KeyUse('app', shared);
  use.limits = limits;
  return use;
}

it('a share of the buffer holds for all that is held at a time, and one batch is always taken', () => {
  const use = keyUse({ bufferShare: 0.1 });
  expect(use.hold(5000)).toBeUndefined();
  expect(use.hold(1)).toMatchObject({ kind: 'overloaded', retryDelayMs: expect.any(Number) });
  use.release(5000);
  expect(use.hold(60)).toBeUndefined();
  expect(use.hold(40)).toBeUndefined();
  expect(use.hold(1)?.message).toBe('key app: its share of the buffer is used up; not stored');
  use.release(40);
  expect(use.hold(40)).toBeUndefined();
  expect(use).toMatchObject({ refusals: 2, bytes: 5142 });
});

it('a share of query time is owed after a long query, and then there again', () => {
  // A tenth of what ten connections have: a second in each.
  const use = keyUse({ queryShare: 0.1 });
  expect(use.beginQuery()).toBeUndefined();
  use.endQuery(10_000);
  const refusal = use.beginQuery();
  expect(refusal?.message).toContain('its share of the time of queries is used up');
  // What half a second's worth does not cover, at a second in each.
  expect(refusal?.retryDelayMs).toBeGreaterThan(9000);
  expect(refusal?.retryDelayMs).toBeLessThan(9600);
  const quick = keyUse({ queryShare: 0.1 });
  for (let query = 0; query < 20; query++) {
    expect(quick.beginQuery()).toBeUndefined();
    quick.endQuery(1);
  }
});

it('what owes something is refused unread, and counted by what its bytes usually hold', () => {
  const use = keyUse({ recordsPerSecond: 10 });
  expect(use.refuseUnread(50)).toBeUndefined();
  for (let batch = 0; batch < 50; batch++) use.noteRead(10, 500);
  expect(use.takeRecords(1000)).toBeUndefined();
  const refusal = use.refuseUnread(5000);
  expect(refusal).toMatchObject({ kind: 'overloaded', retryDelayMs: 30_000 });
  expect(use.asked.records).toBe(1100);
  expect(use.records).toEqual({ taken: 1000, refused: 100 });
});
