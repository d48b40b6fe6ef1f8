import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  isUuid,
  isUuidV7,
  newUuidV7,
  RecordIds,
  uuidAtMs,
  uuidBytes,
  uuidText,
  uuidV7TimeMs,
} from '../src/uuid.ts';

const example = '0198f2a6-1c3e-7abc-8def-0123456789ab';

describe('a text', () => {
  it.each([example, example.toUpperCase(), '00000000-0000-0000-0000-000000000000'])(
    '%s is a UUID',
    (text) => expect(isUuid(text)).toBe(true),
  );

  it.each([
    '',
    'x',
    example.slice(1),
    `${example}0`,
    example.replaceAll('-', ''),
    `${example}\n`,
    ` ${example}`,
  ])('%j is none', (text) => {
    expect(isUuid(text)).toBe(false);
    expect(isUuidV7(text)).toBe(false);
  });

  it('is a UUIDv7 by its version and variant', () => {
    expect(isUuidV7(example)).toBe(true);
    expect(isUuidV7(example.toUpperCase())).toBe(true);
    expect(isUuidV7(example.replace('-7', '-4'))).toBe(false);
    for (const variant of '0123cdef') {
      expect(isUuidV7(example.replace('-8d', `-${variant}d`))).toBe(false);
    }
  });
});

it('goes to bytes and back', () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      expect(uuidBytes(uuid)).toHaveLength(16);
      expect(uuidText(uuidBytes(uuid))).toBe(uuid);
    }),
  );
});

it('is new, and later than any before it', () => {
  const ids = Array.from({ length: 5000 }, newUuidV7);
  expect(ids.every(isUuidV7)).toBe(true);
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  expect(uuidV7TimeMs(ids[0] as string)).toBeLessThanOrEqual(Date.now());
  expect(new Set(ids.map((id) => id.slice(-8))).size).toBeGreaterThan(4900);
});

describe('a clock that is set back', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('by little gives ids that follow all the same, by more is followed', () => {
    vi.useFakeTimers({ now: Date.now() + 60_000 });
    const ids = [newUuidV7()];
    vi.setSystemTime(Date.now() - 9000);
    ids.push(newUuidV7(), newUuidV7());
    expect(ids).toEqual(ids.toSorted());
    vi.setSystemTime(Date.now() - 20_000);
    expect(uuidV7TimeMs(newUuidV7())).toBe(Date.now());
  });
});

describe('the time in a UUIDv7', () => {
  it('is when it was made', () => {
    const before = Date.now();
    const timeMs = uuidV7TimeMs(uuidv7());
    expect(timeMs).toBeGreaterThanOrEqual(before);
    expect(timeMs).toBeLessThanOrEqual(Date.now());
  });

  it('bounds ranges: the least UUID of a time is not greater than any other of it', () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    const property = fc.property(time, fc.uuid({ version: 7 }), (ms, uuid) => {
      expect(isUuid(uuidAtMs(ms))).toBe(true);
      expect(uuidV7TimeMs(uuidAtMs(ms))).toBe(ms);
      const bound = uuidAtMs(uuidV7TimeMs(uuid));
      expect(bound <= uuid).toBe(true);
      expect(uuidAtMs(uuidV7TimeMs(uuid) + 1) > uuid).toBe(true);
    });
    fc.assert(property);
  });
});

describe('the ids of records', () => {
  const id = (batchId: string, kind: 'event' | 'usage', index: number) =>
    uuidText(new RecordIds(uuidBytes(batchId), kind).at(index));

  it('follow from batch, kind and position alone', () => {
    expect(id(example, 'event', 0)).toBe(id(example, 'event', 0));
    expect(id(example, 'event', 0)).toBe(id(example.toUpperCase(), 'event', 0));
  });

  it('are UUIDv7 with the time of the batch', () => {
    const property = fc.property(fc.uuid({ version: 7 }), fc.nat(100_000), (batchId, index) => {
      for (const kind of ['event', 'usage'] as const) {
        expect(isUuidV7(id(batchId, kind, index))).toBe(true);
        expect(uuidV7TimeMs(id(batchId, kind, index))).toBe(uuidV7TimeMs(batchId));
      }
    });
    fc.assert(property);
  });

  it('differ between batches of the same millisecond, kinds and positions', () => {
    const batches = [example, example.replace('89ab', '89ac'), example.replace('8def', '9def')];
    const ids = batches.flatMap((batchId) =>
      (['event', 'usage'] as const).flatMap((kind) =>
        [0, 1, 255, 256, 65_536, 99_999].map((index) => id(batchId, kind, index)),
      ),
    );
    expect(new Set(ids).size).toBe(3 * 2 * 6);
  });

  it('sort by position, so that rows of a batch keep their order', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => id(example, 'event', index));
    expect(ids).toEqual(ids.toSorted());
  });
});
