import fc from 'fast-check';
import { expect, it } from 'vitest';
import { callsOf, inOrder, newCallKeys } from '../../src/commit/calls.ts';
import { NewCalls } from '../../src/commit/new-calls.ts';
import { joinTuple, splitTuples } from '../../src/records/tuples.ts';
import { usageBatch } from '../support/calls.ts';

/** Of all loads' rows, key, id and time of the row as hexadecimal digits. */
const claimsOf = (calls: NewCalls) =>
  calls
    .load()
    .rows.flatMap(splitTuples)
    .map((claim) => Buffer.from(claim).toString('hex'));

const claim = (key: Uint8Array, row: Uint8Array) =>
  joinTuple([key, row.subarray(6, 22), row.subarray(26, 34)]).toString('hex');

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const time = fc.uint8Array({ minLength: 8, maxLength: 8 });
/** Many begin alike, and some are the same. */
const key = fc
  .record({ first: fc.nat(2), sixth: fc.nat(2), rest: fc.nat(3) })
  .map(({ first, sixth, rest }) => {
    const bytes = Buffer.alloc(16);
    bytes[0] = 255 - first;
    bytes[5] = sixth;
    bytes[15] = rest;
    return bytes;
  });
const row = fc.record({ id, time, keys: fc.array(key, { maxLength: 2 }) });

/** Tells the keys that rows were given, one after another. */
function givenKeys(given: readonly (readonly Buffer[])[]) {
  let row = 0;
  const keys = {
    end: 0,
    keysAt(copy: Buffer, start: number) {
      keys.end = start + copy.readInt32BE(start + 2) + 6 + 4 + 8;
      return (given[row++] ?? []).map((key) => key.toString('latin1'));
    },
  };
  return keys;
}

it('sorts claims by their keys, however alike these are, and knows of equal ones', () => {
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 4 }), (batches) => {
      const copies = batches.map((rows) =>
        Buffer.concat(rows.map(({ id, time }) => joinTuple([id, time]))),
      );
      const rows = batches.flat();
      const calls = new NewCalls(givenKeys(rows.map(({ keys }) => keys)), copies);
      const expected = rows.flatMap(({ id, time, keys }) =>
        keys.map((key) => joinTuple([key, id, time]).toString('hex')),
      );
      const keysOnly = (claims: string[]) => claims.map((claim) => claim.slice(12, 44));
      expect(claimsOf(calls).toSorted()).toEqual(expected.toSorted());
      expect(keysOnly(claimsOf(calls))).toEqual(keysOnly(expected).toSorted());
      expect(calls.repeat).toBe(new Set(keysOnly(expected)).size < expected.length);
      expect(calls.count).toBe(expected.length);
    }),
    { numRuns: 300 },
  );
});

it('claims the calls that rows are about, in the order in which the longer way takes them', () => {
  const batches = [0, 1].map((batch) =>
    usageBatch(
      Array.from({ length: 200 }, (_, index) => ({
        provider: index % 2 === 0 ? 'OpenAI' : 'anthropic',
        responseId: index % 5 === 0 ? '' : `answer-${batch}-${index}`,
        requestId: index % 3 === 0 ? `request-ü-${batch}-${index}` : '',
      })),
    ),
  );
  const copies = batches.map(({ rows }) => rows.usage.copy);
  const calls = new NewCalls(newCallKeys(), copies);
  const longer = inOrder(callsOf(newCallKeys(), copies));
  expect(claimsOf(calls)).toEqual(
    longer.map(({ key, row }) => claim(Buffer.from(key, 'latin1'), row)),
  );
  expect(calls.count).toBe(longer.length);
  expect(longer.length).toBeGreaterThan(400);
  expect(calls.repeat).toBe(false);
});

it('claims nothing of what comes after a damaged row, which is not taken either', () => {
  const { copy } = usageBatch([{ responseId: 'a-1' }, { responseId: 'a-2' }]).rows.usage;
  for (let bytes = 0; bytes < copy.length; bytes++) {
    const calls = new NewCalls(newCallKeys(), [copy.subarray(0, bytes)]);
    expect(calls.count).toBeLessThan(2);
  }
  const negative = Buffer.from(copy);
  negative.writeInt32BE(-1000, 2);
  expect(new NewCalls(newCallKeys(), [negative]).count).toBe(0);
});
