import { create, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import {
  Durability,
  LogRequestSchema,
  LogResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { recordMessage } from '../../src/accept/record-message.ts';
import { WireRequests } from '../../src/accept/wire-request.ts';

const key = '01990000-0000-7000-8000-000000000000';
const event = {
  eventType: 'VRAM_CHECK',
  component: 'L1',
  value: 12.5,
  metadata: { gpu_id: 0, deep: { list: [null, 'größer'] } },
  status: 'OK',
  timestamp: timestampNow(),
};
const encoded = (fields: object) => toBinary(LogRequestSchema, create(LogRequestSchema, fields));
const requests = new WireRequests();

it.each([
  ['with a key', key],
  ['without', ''],
])('is an event of a batch, %s', (_, idempotencyKey) => {
  const expected = toBinary(EventSchema, create(EventSchema, event));
  const { batchId, events } = requests.read(encoded({ ...event, idempotencyKey })) ?? {};
  expect(batchId).toBe(idempotencyKey);
  expect(Buffer.from(events?.at(0) as Uint8Array).equals(expected)).toBe(true);
});

it('does not take the end of a text for a key', () => {
  const component = `x:$${key}`;
  const { batchId, events } = requests.read(encoded({ eventType: 'A', component })) ?? {};
  // What is before it breaks off: the library reads that request.
  expect({ batchId, events }).toEqual({});
});

it.each([
  ['another key', { idempotencyKey: 'no uuid' }],
  ['no type', { eventType: '' }],
  ['a text that is too long', { component: 'x'.repeat(1000) }],
])('leaves %s to the library', (_, fields) => {
  expect(requests.read(encoded({ ...event, ...fields }))).toBeUndefined();
});

it.each([true, false])('answers as the library writes it, duplicate %s', (duplicate) => {
  const response = {
    ...{ success: true, message: 'event stored', id: key },
    ...{ durability: Durability.SPOOLED, duplicate },
  };
  const expected = toBinary(LogResponseSchema, create(LogResponseSchema, response));
  expect(Buffer.from(recordMessage(response)).equals(expected)).toBe(true);
});
