import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { idBeside, JoinedIds } from '../../src/records/joined-ids.ts';
import { splitTuples } from '../../src/records/tuples.ts';
import {
  isUuidV7,
  newUuidV7,
  uuidAtMs,
  uuidBytes,
  uuidText,
  uuidV7TimeMs,
} from '../../src/uuid.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { encodeOptions } from './generators.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const oneRange = 2 ** 27;

/** How many of 32 shards some ids lie in. */
const rangesOf = (ids: readonly string[]): Promise<number> =>
  database.count(`
    select count(distinct floor((uuid_hash(id) + 2147483648.0) / ${oneRange}))
    from unnest('{${ids.join(',')}}'::uuid[]) as id`);

const idsOf = (batchId: string, kind: 'event' | 'usage', count: number): string[] => {
  const ids = new JoinedIds(uuidBytes(batchId), kind);
  return Array.from({ length: count }, (_, index) => uuidText(ids.at(index)));
};

const batchIdAt = (ms: number) => uuidAtMs(ms).slice(0, 13) + newUuidV7().slice(13);

it('lie in one shard, as PostgreSQL has it, when their batches come together', async () => {
  const startMs = Math.floor(Date.now() / 1024) * 1024;
  const ids = [0, 1, 8, 31].flatMap((ms) => [
    ...idsOf(batchIdAt(startMs + ms), 'event', JoinedIds.recordsMax),
    ...idsOf(batchIdAt(startMs + ms), 'usage', JoinedIds.recordsMax),
  ]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await rangesOf(ids)).toBe(1);
  const later = Array.from({ length: 32 }, (_, at) => batchIdAt(startMs + 32 * at));
  expect(await rangesOf(later.flatMap((id) => idsOf(id, 'event', 1)))).toBe(32);
});

it('are of the time of the batch, and in the order of its records', () => {
  const batchId = newUuidV7();
  const ids = idsOf(batchId, 'usage', JoinedIds.recordsMax);
  expect(ids.every(isUuidV7)).toBe(true);
  expect(new Set(ids.map(uuidV7TimeMs))).toEqual(new Set([uuidV7TimeMs(batchId)]));
  expect(ids).toEqual(ids.toSorted());
});

it('are for batches without an id: others that come again have the same rows', async () => {
  const rows = async (batchId: string, count: number) => {
    const events = Array.from({ length: count }, () => create(EventSchema, { eventType: 'E' }));
    const { rows } = encodeBatch({ batchId, events, usage: [] }, encodeOptions);
    return splitTuples(rows.event.copy).map((row) => uuidText(row.subarray(6, 22)));
  };
  expect(await rangesOf(await rows('', JoinedIds.recordsMax))).toBe(1);
  expect(await rangesOf(await rows('', 200))).toBeGreaterThan(16);
  const given = newUuidV7();
  expect(await rows(given, 12)).toEqual(await rows(given, 12));
  expect(await rangesOf(await rows(given, 12))).toBeGreaterThan(1);
});

it('can be made for any shard', async () => {
  for (let tries = 0; tries < 8; tries++) {
    const other = newUuidV7();
    const beside = uuidText(idBeside(uuidBytes(other)));
    expect(isUuidV7(beside)).toBe(true);
    const high = (id: string) => `((uuid_hash('${id}')::bigint + 2147483648) >> 16)`;
    expect(await database.count(`select ${high(other)} - ${high(beside)}`)).toBe(0);
  }
});
