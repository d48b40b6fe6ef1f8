import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { TailRecordSchema } from '../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';
import { TailReader } from '../../src/query/tail/tail-reader.ts';

const record = create(TailRecordSchema);
const sized = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, index) => ({ id: String(index), record, bytes }));

/** How many records each message has, until all are told. */
async function messages(count: number, bytes: number): Promise<number[]> {
  const reader = new TailReader(1);
  reader.hold();
  reader.reached(new Date());
  reader.release(sized(count, bytes));
  const told: number[] = [];
  for await (const { records, asOf } of reader.responses(new AbortController().signal)) {
    told.push(records.length);
    if (asOf) break;
  }
  return told;
}

it('makes messages that clients take, however large the records are', async () => {
  expect(await messages(450, 500)).toEqual([200, 200, 50]);
  expect(await messages(20, 64 * 1024)).toEqual([8, 8, 4]);
  expect(await messages(2, 3 * 1024 * 1024)).toEqual([1, 1]);
});
