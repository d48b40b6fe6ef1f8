import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../src/buffer/batch.ts';
import { encodeRecord, readSegment } from '../../src/buffer/spool/record.ts';
import type { Spool } from '../../src/buffer/spool/spool.ts';
import { eventBatch } from '../support/batches.ts';
import { openSpool } from '../support/spool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const open = (limits = {}) => openSpool(directory.path, limits);

const files = () => readdirSync(directory.path).filter((name) => name.startsWith('spool-'));
const ids = (batches: readonly Batch[]) => batches.map(({ id }) => id);

async function drainAll(spool: Spool): Promise<{ batches: Batch[]; damaged: number }> {
  const batches: Batch[] = [];
  let damaged = 0;
  for (let segment = await spool.oldest(); segment; segment = await spool.oldest()) {
    batches.push(...segment.batches);
    damaged += segment.damaged;
    await segment.remove();
  }
  return { batches, damaged };
}

describe('spool', () => {
  it('gives back, in order and after a restart, what was appended (5.2, 5.3)', async () => {
    const groups = [[eventBatch(2), eventBatch(1)], [eventBatch(3)]].map((batches) => ({
      id: uuidv7(),
      batches,
    }));
    const first = await open();
    for (const group of groups) await first.append(group);
    await first.close();
    const second = await open();
    const { batches } = await drainAll(second);
    expect(ids(batches)).toEqual(groups.flatMap((group) => ids(group.batches)));
    expect(batches.map(({ groupId }) => groupId)).toEqual([
      groups[0]?.id,
      groups[0]?.id,
      groups[1]?.id,
    ]);
    expect(batches.map(({ rows }) => Buffer.from(rows.event.copy))).toEqual(
      groups.flatMap((group) => group.batches.map(({ rows }) => Buffer.from(rows.event.copy))),
    );
    expect(second.bytes).toBe(0);
    expect(files()).toEqual([]);
    await second.close();
  });

  it('keeps the rejections of the first answer (1.1)', () => {
    const batch = {
      ...eventBatch(1),
      answer: {
        stored: { event: 1, usage: 0 },
        rejected: { event: 1, usage: 0 },
        rejections: [{ kind: 'event', index: 1, field: 'value', reason: 'is NaN' } as const],
      },
    };
    expect(readSegment(encodeRecord(batch, uuidv7())).batches[0]?.answer).toEqual(batch.answer);
  });

  it('loses only the record that is damaged, and sets the segment aside (5.5, 5.10)', async () => {
    const spool = await open();
    const batches = [eventBatch(2), eventBatch(2), eventBatch(2)];
    for (const batch of batches) await spool.append({ id: uuidv7(), batches: [batch] });
    await spool.close();
    const path = join(directory.path, files()[0] as string);
    const bytes = readFileSync(path);
    const middle = bytes.indexOf(batches[1]?.id as string);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    writeFileSync(path, bytes);
    const again = await open();
    const drained = await drainAll(again);
    expect(ids(drained.batches)).toEqual([batches[0]?.id, batches[2]?.id]);
    expect(drained.damaged).toBe(1);
    expect(files()).toEqual([expect.stringMatching(/\.damaged$/)]);
    await again.close();
  });

  it('survives a torn end and garbage behind it (5.5)', async () => {
    const spool = await open();
    const batches = [eventBatch(2), eventBatch(2)];
    for (const batch of batches) await spool.append({ id: uuidv7(), batches: [batch] });
    await spool.close();
    const path = join(directory.path, files()[0] as string);
    truncateSync(path, readFileSync(path).length - 5);
    appendFileSync(path, 'GTS1 and more');
    const again = await open();
    const drained = await drainAll(again);
    expect(ids(drained.batches)).toEqual([batches[0]?.id]);
    expect(drained.damaged).toBe(1);
    await again.close();
  });

  it('reads whatever bytes there are without failing (5.5)', () => {
    const record = encodeRecord(eventBatch(2), uuidv7());
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(record.length - 1),
        fc.integer({ min: 1, max: 255 }),
        (noise, position, flip) => {
          const flipped = Buffer.from(record);
          flipped.writeUInt8(flipped.readUInt8(position) ^ flip, position);
          const { batches } = readSegment(Buffer.concat([flipped, noise, record]));
          expect(batches).toHaveLength(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses what goes past its budget, and what would use the disk up (3.3)', async () => {
    const batch = eventBatch(10);
    const group = { id: uuidv7(), batches: [batch] };
    const small = await open({ bytesMax: encodeRecord(batch, group.id).length });
    await small.append(group);
    await expect(small.append(group)).rejects.toMatchObject({ kind: 'overloaded' });
    await small.close();
    const reserved = await open({ diskReserveBytes: Number.MAX_SAFE_INTEGER });
    await expect(reserved.append(group)).rejects.toMatchObject({ kind: 'overloaded' });
    await reserved.close();
  });

  it('belongs to one process at a time (5.1)', async () => {
    const spool = await open();
    await expect(open()).rejects.toThrow(/in use by another collector/);
    await spool.close();
    await (await open()).close();
  });

  it('shares fsyncs between appends that come together, and keeps their order (5.3)', async () => {
    const spool = await open();
    const batches = Array.from({ length: 100 }, () => eventBatch(1));
    await Promise.all(batches.map((batch) => spool.append({ id: uuidv7(), batches: [batch] })));
    expect(ids((await drainAll(spool)).batches)).toEqual(ids(batches));
    await spool.close();
  });

  it('is not misled by an event whose id looks like the beginning of a record (5.10)', async () => {
    const spool = await open();
    // With its checksum: the body is what follows in a row, the length of the next field.
    const id = Buffer.from('GTS1\0\0\0\x04\0\0\0\0\0\0\0\0', 'latin1');
    const body = Buffer.from([0, 0, 0, 0]);
    id.writeUInt32BE(crc32(body), 8);
    const [torn, whole] = [eventBatch(1), eventBatch(2)];
    const copy = Buffer.from(torn.rows.event.copy);
    id.copy(copy, 6);
    const crafted = { ...torn, rows: { ...torn.rows, event: { count: 1, copy } } };
    for (const batch of [crafted, whole]) await spool.append({ id: uuidv7(), batches: [batch] });
    await spool.close();
    const path = join(directory.path, files()[0] as string);
    const bytes = readFileSync(path);
    // The record itself is torn, and its rows are searched for the next one.
    bytes.writeUInt8(bytes.readUInt8(8) ^ 1, 8);
    writeFileSync(path, bytes);
    const again = await open();
    const drained = await drainAll(again);
    expect(ids(drained.batches)).toEqual([whole.id]);
    expect(drained.damaged).toBe(1);
    await again.close();
  });

  it('never drains a segment again that it can not delete (5.6)', async () => {
    const spool = await open();
    await spool.append({ id: uuidv7(), batches: [eventBatch(2)] });
    const segment = await spool.oldest();
    const path = join(directory.path, files()[0] as string);
    const { bytes } = spool;
    // A directory can't be deleted as a file is.
    rmSync(path);
    mkdirSync(path);
    await segment?.remove();
    expect(spool).toMatchObject({
      segments: 0,
      bytes,
      concern: expect.stringContaining('deleted'),
    });
    expect(await spool.oldest()).toBeUndefined();
    rmdirSync(path);
    await spool.tidy();
    expect(spool).toMatchObject({ segments: 0, bytes: 0, concern: undefined });
    await spool.close();
  });

  it.each(['a directory', 'a link to itself'])(
    'tries a segment a few times that can not be read, then sets it aside: %s (5.5)',
    async (kind) => {
      const name = 'spool-0000000001.log';
      if (kind === 'a directory') mkdirSync(join(directory.path, name));
      else symlinkSync(join(directory.path, name), join(directory.path, name));
      const spool = await open();
      for (let time = 1; time < 3; time++) await expect(spool.oldest()).rejects.toThrow(/^E/);
      const segment = await spool.oldest();
      expect(segment).toMatchObject({ batches: [], damaged: 1 });
      await segment?.remove();
      expect(spool.segments).toBe(0);
      expect(files()).toEqual(['spool-0000000001.log.damaged']);
      await spool.close();
    },
  );
});
