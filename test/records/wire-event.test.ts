import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Event,
  EventSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { decodeBinary } from '../../src/accept/decode.ts';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import type { RawRecord } from '../../src/accept/raw-batch.ts';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { FieldFault } from '../../src/records/limits.ts';
import { tables } from '../../src/records/tables.ts';
import { readTuple, splitTuples } from '../../src/records/tuples.ts';
import { WireEvents } from '../../src/records/wire/wire-event.ts';
import { encodeOptions, event } from './generators.ts';

/** `WIRE_EVENTS=1000000 npx vitest run test/records/wire-event.test.ts` is the long run. */
const events = Number(process.env.WIRE_EVENTS ?? 4000);
const batchEvents = 20;
const numRuns = Math.ceil(events / 4 / batchEvents);
const timeoutMs = 20_000 + events;

const batchId = '0190a1b2-c3d4-7000-8000-000000000001';
const nowMs = Date.UTC(2026, 0, 1);
const options = {
  ...encodeOptions,
  eventTime: { ageMsMax: 30 * 86_400_000, aheadMsMax: 3_600_000 },
};

const encode = (records: RawRecord[]) =>
  encodeBatch({ batchId, events: records, usage: [] }, options, 'batch_id', nowMs);

/** An event as the general path sees it. */
function general(bytes: Uint8Array): RawRecord {
  try {
    return decodeBinary('event', bytes);
  } catch (fault) {
    if (fault instanceof FieldFault) return fault;
    throw fault;
  }
}

const rows = (copy: Uint8Array) => splitTuples(copy).map((row) => readTuple(row, tables.event));

/** Both ways must store the same rows, reject the same records in the same words, and agree on the fingerprint. */
function expectSame(records: Uint8Array[]): void {
  const [direct, reference] = [encode(records), encode(records.map(general))];
  expect(direct.answer).toEqual(reference.answer);
  expect(Buffer.from(direct.fingerprint)).toEqual(Buffer.from(reference.fingerprint));
  expect(direct.rows.event.count).toBe(reference.rows.event.count);
  // A key that comes twice is in the text twice; jsonb, and this reader, keep the last.
  if (!Buffer.from(direct.rows.event.copy).equals(reference.rows.event.copy)) {
    expect(rows(direct.rows.event.copy)).toEqual(rows(reference.rows.event.copy));
  }
}

/** Whether the event is written without the general path. */
function isPlain(bytes: Uint8Array): boolean {
  const wire = new WireEvents(new ByteWriter(), new ByteWriter(), options.eventTime, nowMs);
  return wire.write(bytes, new Uint8Array(16));
}

const bytesOf = (message: Event): Uint8Array => toBinary(EventSchema, message);
const recent = fc.integer({ min: -31 * 86_400_000, max: 7_200_000 }).map((ms) => ({
  $typeName: 'google.protobuf.Timestamp' as const,
  seconds: BigInt(Math.floor((nowMs + ms) / 1000)),
  nanos: Math.abs(ms % 1000) * 1_000_123,
}));
/** Events around the limits of what is valid. */
const anyEvent = fc
  .tuple(
    event,
    fc.option(recent, { nil: undefined }),
    fc.constantFrom('', 'OK', 'x'.repeat(65), '😀'.repeat(64), '😀'.repeat(65)),
  )
  .map(([message, timestamp, status]) => {
    const { $typeName: _, timestamp: _far, ...fields } = message;
    return create(EventSchema, { ...fields, status, ...(timestamp && { timestamp }) });
  });

const value = fc.letrec<{ value: Uint8Array; struct: Uint8Array }>((tie) => ({
  struct: fc
    .array(fc.tuple(fc.string({ unit: 'binary', maxLength: 3 }), tie('value')), { maxLength: 4 })
    .map((entries) =>
      Buffer.concat(
        entries.map(([key, item]) =>
          field(0x0a, Buffer.concat([field(0x0a, Buffer.from(key)), field(0x12, item)])),
        ),
      ),
    ),
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom('0800', '2000', '2001', '', '0801', '2002', '200020', '11').map(hex),
    fc.double().map((number) => {
      const bytes = Buffer.alloc(9, 0x11);
      bytes.writeDoubleLE(number, 1);
      return bytes;
    }),
    fc.string({ unit: 'grapheme' }).map((text) => field(0x1a, Buffer.from(text))),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => field(0x1a, bytes)),
    tie('struct').map((struct) => field(0x2a, struct)),
    fc
      .array(tie('value'), { maxLength: 3 })
      .map((list) => field(0x32, Buffer.concat(list.map((item) => field(0x0a, item))))),
  ),
}));

/** Fields in any order, some of them twice, unknown or damaged. */
const anyFields = fc
  .array(
    fc.oneof(
      fc
        .constantFrom('A', 'L1', '', '\0', '\ufeffx', 'é')
        .chain((text) =>
          fc.constantFrom(0x0a, 0x12, 0x2a, 0x3a).map((tag) => field(tag, Buffer.from(text))),
        ),
      value.struct.map((struct) => field(0x22, struct)),
      fc.double().map((number) => {
        const bytes = Buffer.alloc(9, 0x19);
        bytes.writeDoubleLE(number, 1);
        return bytes;
      }),
      fc
        .constantFrom('3206089a8dd7c906', '3200', '32021001', '3a00', '4001', '0a8100', 'ff')
        .map(hex),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat([field(0x0a, Buffer.from('T')), ...parts]));

const damaged = fc
  .tuple(anyEvent, fc.nat(), fc.nat(255), fc.constantFrom('flip', 'cut', 'insert'))
  .map(([message, position, byte, how]) => {
    const bytes = Buffer.from(bytesOf(message));
    const at = position % bytes.length;
    if (how === 'cut') return bytes.subarray(0, at);
    if (how === 'flip') bytes.writeUInt8(byte, at);
    const inserted = [bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)];
    return how === 'flip' ? bytes : Buffer.concat(inserted);
  });

function field(tag: number, content: Uint8Array): Buffer {
  const length =
    content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

describe('bytes of an event, copied or decoded, give the same', () => {
  it.each([
    ['events', anyEvent.map(bytesOf)],
    ['damaged events', damaged],
    ['fields in any order and number', anyFields],
    ['random bytes', fc.uint8Array({ maxLength: 40 })],
  ])(
    '%s',
    (_, record) => {
      fc.assert(
        fc.property(
          fc.array(record, { minLength: batchEvents, maxLength: batchEvents }),
          expectSame,
        ),
        { numRuns },
      );
    },
    timeoutMs,
  );
});

describe('an event is copied', () => {
  const plain = {
    eventType: 'VRAM_CHECK',
    component: 'L1 é',
    value: -0,
    metadata: { a: { b: [1, 0.1, -1e21, 'x\n"\\', null, true, false, [], {}] }, '': '\u{1f600}' },
    status: 'OK',
    timestamp: { seconds: BigInt(nowMs / 1000), nanos: 123_456_789 },
  };
  it('when it is plain', () => {
    const bytes = bytesOf(create(EventSchema, plain));
    expect(isPlain(bytes)).toBe(true);
    expectSame([bytes]);
    expect(rows(encode([bytes]).rows.event.copy)).toMatchObject([
      { event_type: 'VRAM_CHECK', metadata: plain.metadata },
    ]);
  });

  it.each([
    ['has no type', { eventType: '' }],
    ['has an id of its own', { id: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' }],
    ['holds NUL', { component: 'a\0' }],
    ['has a number that JSON lacks', { metadata: { a: Number.NaN } }],
    ['has a key that objects sort to the front', { metadata: { b: 1, 1: 2 } }],
    ['has too long a name', { component: 'x'.repeat(257) }],
    ['is too old', { timestamp: { seconds: 1n, nanos: 0 } }],
  ])('unless it %s', (_, fields) => {
    const bytes = bytesOf(create(EventSchema, { ...plain, ...fields }));
    expect(isPlain(bytes)).toBe(false);
    expectSame([bytes, bytesOf(create(EventSchema, plain))]);
  });
});
