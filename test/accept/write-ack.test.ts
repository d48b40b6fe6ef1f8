import { create, toBinary } from '@bufbuild/protobuf';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  Durability,
  LogBatchResponseSchema,
  Rejection_Kind,
  StreamBatchesResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { writeAck, writeBatchAnswer } from '../../src/accept/write-ack.ts';
import { ByteWriter } from '../../src/records/byte-writer.ts';

const count = fc.oneof(fc.constantFrom(0, 1, 127, 128, 16_383, 16_384), fc.nat(2 ** 31 - 1));
const answer = fc.record({
  sequence: fc.oneof(count, fc.nat(Number.MAX_SAFE_INTEGER)).map(BigInt),
  ack: fc.record({
    batchId: fc.uuid(),
    durability: fc.constantFrom(Durability.COMMITTED, Durability.SPOOLED),
    duplicate: fc.boolean(),
    events: count,
    usage: count,
    rejected: count,
    rejections: fc.constant<never[]>([]),
    deadLettered: count,
    duplicates: count,
  }),
});

it('writes acknowledgements as the library does, one behind another', () => {
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 4 }), (answers) => {
      const writer = new ByteWriter();
      for (const each of answers) expect(writeAck(writer, each)).toBe(true);
      const byTheLibrary = answers.map((each) => {
        const message = create(StreamBatchesResponseSchema, each);
        return encodeEnvelope(0, toBinary(StreamBatchesResponseSchema, message));
      });
      expect(Buffer.from(writer.bytes())).toEqual(Buffer.concat(byTheLibrary));
    }),
    { numRuns: 300 },
  );
});

it('writes answers to single batches as the library does', () => {
  fc.assert(
    fc.property(answer, ({ ack }) => {
      const writer = new ByteWriter();
      expect(writeBatchAnswer(writer, ack)).toBe(true);
      const byTheLibrary = toBinary(LogBatchResponseSchema, create(LogBatchResponseSchema, ack));
      expect(Buffer.from(writer.bytes())).toEqual(Buffer.from(byTheLibrary));
    }),
    { numRuns: 300 },
  );
});

it('leaves what has more to say to the library', () => {
  const batchId = '01a21a0c-02f4-7d82-a7e3-db8d00000000';
  const rejections = [{ kind: Rejection_Kind.EVENT, index: 0, field: 'value', reason: 'is none' }];
  const writer = new ByteWriter();
  expect(writeAck(writer, { error: { batchId, code: 3, message: 'no' } })).toBe(false);
  expect(writeAck(writer, { ack: { batchId, rejected: 1, rejections } })).toBe(false);
  expect(writeAck(writer, { ack: { batchId: 'short' } })).toBe(false);
  expect(writeBatchAnswer(writer, { batchId, rejected: 1, rejections })).toBe(false);
  expect(writer.length).toBe(0);
});
