import { fromBinary, fromJson, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LogBatchRequestSchema } from '../gen/gravitas/telemetry/v1/ingest_pb.js';
import { Composer } from '../src/encode.ts';
import { storable } from '../src/storable.ts';

/** Any text, unpaired surrogates included. */
const text = fc.string({ unit: 'binary', maxLength: 20 });
const number = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
const metadata = fc.option(fc.dictionary(text, fc.anything(), { maxKeys: 4 }));
const count = fc.option(fc.nat());
const timeUs = fc.integer({ min: -60_000_000_000_000_000, max: 250_000_000_000_000_000 });

const event = fc.record({
  kind: fc.constant('event' as const),
  timeUs: timeUs.filter(Number.isSafeInteger),
  eventType: text.filter((given) => given !== ''),
  component: fc.option(text),
  value: number,
  metadata,
  status: fc.option(text),
});
const usage = fc.record({
  kind: fc.constant('usage' as const),
  timeUs: timeUs.filter(Number.isSafeInteger),
  model: text.filter((given) => given !== ''),
  layer: fc.option(text),
  promptTokens: count,
  completionTokens: count,
  durationMs: number,
  more: fc.record({ provider: text, cachedTokens: count, costUsd: number }),
  metadata,
});

it('a line is the proto3 JSON of the batch that is sent as protobuf', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(event, usage), { minLength: 1, maxLength: 5 }), (records) => {
      const composer = new Composer(storable({ 'host.name': 'h' }), 1e6);
      for (const record of records) composer.add(record);
      const batch = composer.finish();
      const sent = fromBinary(LogBatchRequestSchema, batch.bytes);
      const line = JSON.parse(batch.line());
      expect(fromJson(LogBatchRequestSchema, line)).toEqual(sent);
      const general = toJson(LogBatchRequestSchema, sent, { useProtoFieldName: true });
      expect(Object.keys(line)).toEqual(Object.keys(general as object));
    }),
    { numRuns: 500 },
  );
});
