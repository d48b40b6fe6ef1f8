import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BinaryBatchSchema } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import { RecordCounter } from '../../src/accept/record-counter.ts';

function isRefused(bytes: Uint8Array, rowsMax: number, chunkBytes = bytes.length): boolean {
  const counter = new RecordCounter(rowsMax);
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      counter.add(bytes.subarray(at, at + chunkBytes));
    }
    return false;
  } catch (error) {
    expect(error).toMatchObject({ kind: 'invalid', field: 'events' });
    return true;
  }
}

/** Short fields of all types, of the batch and others, and whatever else there is. */
const field = fc.oneof(
  fc
    .tuple(fc.nat(5), fc.nat(5), fc.uint8Array({ maxLength: 3 }))
    .map(([number, wireType, rest]) => [number * 8 + wireType, rest.length, ...rest]),
  fc.constantFrom([0x12, 0], [0x1a, 0x81, 0x00, 7], [0x92, 0x80, 0, 0], [0xfa, 1, 1, 9]),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
);
const message = fc.array(field, { maxLength: 60 }).map((fields) => Uint8Array.from(fields.flat()));

it('never finds fewer records than the library makes, however the bytes come in', () => {
  fc.assert(
    fc.property(message, fc.integer({ min: 1, max: 7 }), (bytes, chunkBytes) => {
      let records: number;
      try {
        const { events, usage } = fromBinary(BinaryBatchSchema, bytes);
        records = events.length + usage.length;
      } catch {
        return;
      }
      if (records === 0) return;
      expect(isRefused(bytes, (records - 1) / 2, chunkBytes)).toBe(true);
      expect(isRefused(bytes, records / 2, chunkBytes)).toBe(false);
    }),
    { numRuns: 3000 },
  );
});
