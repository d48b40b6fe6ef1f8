import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { checkRows } from '../../src/accept/raw-batch.ts';
import { rejectionsMax } from '../../src/buffer/batch.ts';
import { isUuidV7, uuidAtMs, uuidText, uuidV7TimeMs } from '../../src/uuid.ts';
import { encodeOptions } from '../records/generators.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 0, 1);
const options = {
  ...encodeOptions,
  batchIdTime: { ageMsMax: 14 * dayMs, aheadMsMax: 3_600_000 },
};

const event = (eventType = 'A') => create(EventSchema, { eventType });
const usage = () => create(UsageSchema, { model: 'm' });
const idAt = (ms: number, rest = '7000-8000-000000000001') =>
  `${uuidAtMs(ms).slice(0, 13)}-${rest}`;

function encode(batchId: string, events = [event()], records = [usage()]) {
  return encodeBatch({ batchId, events, usage: records }, options, 'batch_id', nowMs);
}

/** Where a row's id is: after the number of its fields and the id's length. */
const firstRowId = (copy: Uint8Array): string => uuidText(copy.subarray(6, 22));

describe('the id of a batch', () => {
  it('is the given one in lower case', () => {
    const id = idAt(nowMs, '7abc-8def-0123456789ab');
    expect(encode(id.toUpperCase())).toMatchObject({ id, idGiven: true });
  });

  it('is minted where none is given', () => {
    const [one, other] = [encode(''), encode('')];
    expect(isUuidV7(one.id)).toBe(true);
    expect(one.idGiven).toBe(false);
    expect(one.id).not.toBe(other.id);
  });

  it('may be as old as the ledger remembers', () => {
    for (const ms of [nowMs - 14 * dayMs, nowMs + 3_600_000]) {
      expect(encode(idAt(ms)).id).toBe(idAt(ms));
    }
  });

  it.each([
    ['is not a UUIDv7', 'nonsense'],
    ['is not a UUIDv7', idAt(nowMs, '4000-8000-000000000001')],
    ['is not a UUIDv7', idAt(nowMs, '7000-c000-000000000001')],
    ['is older than 14 days: a repetition can no longer be told', idAt(nowMs - 14 * dayMs - 1)],
    ["is more than 60 minutes ahead of the collector's clock", idAt(nowMs + 3_600_001)],
  ])('that %s is refused', (reason, id) => {
    for (const field of ['batch_id', 'idempotency_key']) {
      expect(() =>
        encodeBatch({ batchId: id, events: [], usage: [] }, options, field, nowMs),
      ).toThrow(expect.objectContaining({ kind: 'invalid', message: `${field} ${reason}`, field }));
    }
  });
});

it('refuses a batch of more records than are allowed, events and usage together', () => {
  const events = Array.from({ length: 150 }, () => event());
  const records = Array.from({ length: 50 }, usage);
  checkRows({ events, usage: records }, 200);
  expect(() => checkRows({ events: [...events, event()], usage: records }, 200)).toThrow(
    expect.objectContaining({
      kind: 'invalid',
      message: 'the batch has 201 records; at most 200 are allowed: send several batches',
    }),
  );
});

it('counts all that is rejected and lists the first of them', () => {
  const events = Array.from({ length: 150 }, (_, index) => event(index % 10 === 0 ? 'A' : ''));
  const { answer, rows } = encode('', events, []);
  expect(answer).toMatchObject({ stored: { event: 15 }, rejected: { event: 135, usage: 0 } });
  expect(answer.rejections).toHaveLength(rejectionsMax);
  expect(answer.rejections.slice(0, 10).map(({ index }) => index)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 11,
  ]);
  expect(rows.event.count).toBe(15);
});

it('counts the strings that are changed to be storable', () => {
  expect(encode('', [event('a\0'), event('b')]).stringsChanged).toBe(1);
});

describe('the ids of rows', () => {
  it('are the same when the batch is sent again, whatever was rejected before them', () => {
    const id = idAt(nowMs);
    const again = encode(id.toUpperCase());
    expect(firstRowId(encode(id).rows.event.copy)).toBe(firstRowId(again.rows.event.copy));
    expect(firstRowId(encode(id, [event(''), event()]).rows.event.copy)).toBe(
      firstRowId(
        encode(id, [event(), event()]).rows.event.copy.subarray(encode(id).rows.event.copy.length),
      ),
    );
  });

  it('are UUIDv7 of the time of the batch, different for its two kinds', () => {
    const { event: events, usage: records } = encode(idAt(nowMs - dayMs)).rows;
    const ids = [events, records].map(({ copy }) => firstRowId(copy));
    for (const id of ids) {
      expect(isUuidV7(id)).toBe(true);
      expect(uuidV7TimeMs(id)).toBe(nowMs - dayMs);
    }
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('are the given ones', () => {
    const id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
    const given = create(EventSchema, { eventType: 'A', id });
    expect(firstRowId(encode('', [given]).rows.event.copy)).toBe(id);
  });
});
