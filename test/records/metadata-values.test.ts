import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { hasTooManyValues, metadataValuesMax } from '../../src/records/metadata-values.ts';

const encoded = (metadata: Parameters<typeof JSON.stringify>[0]) =>
  toBinary(EventSchema, create(EventSchema, { eventType: 'VALUES', metadata }));

it.each([
  ['in one list', (values: number) => ({ list: Array(values - 1).fill(null) })],
  ['in many lists', (values: number) => ({ list: Array((values - 1) / 3).fill([0, 'x']) })],
  [
    'by name',
    (values: number) => Object.fromEntries(Array.from({ length: values }, (_, at) => [at, true])),
  ],
  ['in objects', (values: number) => ({ list: Array((values - 1) / 3).fill({ a: null, b: 1 }) })],
])('counts values %s', (_, metadataOf) => {
  // One more than a multiple of three, as the limit is not.
  const most = metadataValuesMax - 1;
  expect(hasTooManyValues(EventSchema, encoded(metadataOf(most)))).toBe(false);
  expect(hasTooManyValues(EventSchema, encoded(metadataOf(most + 3)))).toBe(true);
});

it('leaves bytes that are no record to whoever decodes them', () => {
  const big = { minLength: 70_000, maxLength: 70_100 };
  fc.assert(
    fc.property(fc.uint8Array(big), (bytes) => {
      expect([true, false]).toContain(hasTooManyValues(EventSchema, bytes));
    }),
    { numRuns: 20 },
  );
  const deep = Buffer.alloc(300_000, Buffer.of(0x22, 0xff, 0xff, 0x0f));
  expect(hasTooManyValues(EventSchema, deep)).toBe(false);
});
