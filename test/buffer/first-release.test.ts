import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeRecord, readSegment } from '../../src/buffer/spool/record.ts';
import { tableOf } from '../../src/commit/copy.ts';
import { recordKinds, tables } from '../../src/records/tables.ts';
import { readTuple, splitTuples } from '../../src/records/tuples.ts';

/** Two batches as the first release has spooled them, one with a rejected event. */
const recorded = readFileSync(join(import.meta.dirname, 'recorded/first-release.spool'));

it('reads what the first release has spooled (5.9)', () => {
  const { batches, damaged } = readSegment(recorded);
  expect(damaged).toBe(0);
  const contents = batches.map(({ id, groupId, answer, rows }) => ({
    id,
    groupId,
    answer,
    rows: recordKinds.map((kind) =>
      splitTuples(rows[kind].copy).map((row) => readTuple(row, tableOf(kind, row))),
    ),
  }));
  const groupId = '01a21639-8c80-7000-8000-00000000000f';
  const event = (value: number) => expect.objectContaining({ value, metadata: { gpu: value } });
  const usage = (model: string) =>
    expect.objectContaining({ model, prompt_tokens: 10, cost_usd: 0.0125, metadata: { a: [1] } });
  expect(contents).toEqual([
    {
      id: '01a21639-8c80-7000-8000-000000000001',
      groupId,
      answer: {
        stored: { event: 2, usage: 1 },
        rejected: { event: 1, usage: 0 },
        rejections: [{ kind: 'event', index: 1, field: 'event_type', reason: 'is required' }],
      },
      rows: [[event(1), event(3)], [usage('m')]],
    },
    {
      id: '01a21639-8c80-7000-8000-000000000002',
      groupId,
      answer: {
        stored: { event: 0, usage: 2 },
        rejected: { event: 0, usage: 0 },
        rejections: [],
      },
      rows: [[], [usage('n'), usage('o')]],
    },
  ]);
});

it('writes what the first release reads: going back to it loses nothing', () => {
  for (const batch of readSegment(recorded).batches) {
    const record = encodeRecord(batch, 'not used');
    expect(record.toString('latin1', 0, 4)).toBe('GTS1');
    const head = JSON.parse(record.toString('utf8', 16, 16 + record.readUInt32BE(12)));
    const { event, usage } = batch.rows;
    expect(head).toMatchObject({
      id: batch.id,
      groupId: batch.groupId,
      rows: { event: event.count, usage: usage.count },
      eventBytes: event.copy.byteLength,
    });
    const rows = record.subarray(record.length - event.copy.length - usage.copy.length);
    expect(rows).toEqual(Buffer.concat([event.copy, usage.copy]));
  }
});

it('tells the columns of a row from its number of fields (5.9)', () => {
  const { columns } = tables.usage;
  const earlier = Buffer.from([0, 3, 0xff, 0xff]);
  expect(tableOf('usage', earlier)).toEqual({ name: 'usage_stats', columns: columns.slice(0, 3) });
});
