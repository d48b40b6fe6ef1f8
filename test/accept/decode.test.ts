import { create, fromJsonString, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { JsonBatchSchema } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import {
  decodeBinary,
  decodeJsonBatch,
  type IncomingList,
  structJson,
} from '../../src/accept/decode.ts';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { FieldFault } from '../../src/records/limits.ts';
import { encodeOptions } from '../records/generators.ts';

const fromJsonBatch = (json: string) =>
  decodeJsonBatch(fromJsonString(JsonBatchSchema, json, { ignoreUnknownFields: true }));

function fromBytes(events: Uint8Array[], usage: Uint8Array[] = []) {
  const $typeName = 'gravitas.telemetry.internal.v1.BinaryBatch';
  return { $typeName, batchId: '', events, usage };
}

function only(records: IncomingList): Event | Usage {
  const record = records.at(0);
  if (!record || record instanceof FieldFault || record instanceof Uint8Array) {
    throw new Error(`${record}`);
  }
  return record;
}

describe('a batch of JSON', () => {
  it('is read by either spelling of the names, unknown ones ignored', () => {
    const { batchId, events, usage } = fromJsonBatch(`{
      "batchId": "b", "unheard_of": 1,
      "events": [{"event_type": "A"}, {"eventType": "A", "of_later_days": {}}],
      "usage": [{"model": "m", "input_tokens": "12", "outputTokens": 3}]
    }`);
    expect(batchId).toBe('b');
    expect(events).toMatchObject([{ eventType: 'A' }, { eventType: 'A' }]);
    expect(usage).toMatchObject([{ model: 'm', inputTokens: 12n, outputTokens: 3n }]);
  });

  it('takes null for a field that is not given', () => {
    const event = '{"event_type":"A","component":null,"value":null,"metadata":null,"status":null}';
    expect(only(fromJsonBatch(`{"events":[${event}]}`).events)).toEqual(
      create(EventSchema, { eventType: 'A' }),
    );
  });

  it("takes the application's own names of token counts, its current ones before them", () => {
    const { usage } = fromJsonBatch(`{"usage": [
      {"model": "m", "prompt_tokens": 7, "completion_tokens": 9},
      {"model": "m", "prompt_tokens": 7, "input_tokens": 8}
    ]}`);
    expect(usage).toMatchObject([{ inputTokens: 7n, outputTokens: 9n }, { inputTokens: 8n }]);
  });

  it.each([
    ['null', '', 'is not a JSON object'],
    ['[]', '', 'is not a JSON object'],
    ['"text"', '', 'is not a JSON object'],
    ['{"event_type": 5}', 'event_type', 'expected string'],
    ['{"eventType": {}}', 'eventType', 'expected string'],
    ['{"event_type": "A", "value": "a"}', 'value', 'expected number'],
    ['{"event_type": "A", "value": 1e400}', 'value', 'infinite'],
    ['{"event_type": "A", "value": -1e400}', 'value', 'infinite'],
    ['{"event_type": "A", "value": "NaN"}', 'value', 'is NaN, not a finite number'],
    ['{"event_type": "A", "metadata": []}', 'metadata', 'cannot decode'],
    ['{"event_type": "A", "metadata": {"a": [1, 1e999]}}', 'metadata.a.1', 'is Infinity'],
    ['{"event_type": "A", "timestamp": "yesterday"}', 'timestamp', 'cannot decode'],
    ['{"value": 1}', 'event_type', 'is required'],
  ])('pays for %s with that record alone, and names the field', (bad, field, reason) => {
    const decoded = fromJsonBatch(`{"events": [{"event_type": "A"}, ${bad}, {"event_type": "B"}]}`);
    const { answer, rows } = encodeBatch(decoded, encodeOptions);
    expect(answer).toEqual({
      stored: { event: 2, usage: 0 },
      rejected: { event: 1, usage: 0 },
      rejections: [{ kind: 'event', index: 1, field, reason: expect.stringContaining(reason) }],
    });
    expect(rows.event.count).toBe(2);
  });

  it.each(['1.5', '"x"', '1e30', 'true', '99999999999999999999'])(
    'rejects %s as a number of tokens',
    (tokens) => {
      const decoded = fromJsonBatch(
        `{"usage": [{"model": "m", "input_tokens": ${tokens}}, {"model": "m"}]}`,
      );
      const { rejections, stored } = encodeBatch(decoded, encodeOptions).answer;
      expect(rejections).toMatchObject([{ kind: 'usage', index: 0, field: 'input_tokens' }]);
      expect(stored.usage).toBe(1);
    },
  );
});

describe('a batch of protobuf', () => {
  const good = toBinary(EventSchema, create(EventSchema, { eventType: 'A', value: 1 }));

  it('pays for malformed bytes with that record alone', () => {
    const malformed = [Buffer.from([0xff, 0xfe]), Buffer.from([0x0a, 2, 0xc3, 0x28])];
    const decoded = fromBytes([good, ...malformed, good]);
    expect(encodeBatch(decoded, encodeOptions).answer).toMatchObject({
      stored: { event: 2 },
      rejections: [1, 2].map((index) => ({
        index,
        field: '',
        reason: expect.stringContaining('malformed protobuf: '),
      })),
    });
  });

  it('keeps what usage says', () => {
    const usage = create(UsageSchema, { model: 'm', inputTokens: 2n ** 53n - 1n, costUsd: 0.1 });
    expect(decodeBinary('usage', toBinary(UsageSchema, usage))).toEqual(usage);
  });

  it('may have metadata as deep as JSON may', () => {
    const nested = (levels: number): JsonObject => (levels === 1 ? {} : { a: nested(levels - 1) });
    const events = [32, 33, 49].map((levels) => ({ eventType: 'A', metadata: nested(levels) }));
    const byProtobuf = fromBytes(
      events.map((event) => toBinary(EventSchema, create(EventSchema, event))),
    );
    const byJson = fromJsonBatch(JSON.stringify({ events }));
    for (const decoded of [byProtobuf, byJson]) {
      const { rejections, stored } = encodeBatch(decoded, encodeOptions).answer;
      expect(stored.event).toBe(1);
      expect(rejections).toMatchObject([1, 2].map((index) => ({ index, field: 'metadata' })));
    }
  });
});

it('gives back the JSON that was read as a Struct, numbers too large for JSON included', () => {
  const json = '{"a":[1,"x",null,true,{"__proto__":{}}],"b":1e400}';
  const read = structJson(fromJsonString(StructSchema, json));
  expect(read.b).toBe(Infinity);
  expect(JSON.stringify(read.a)).toBe('[1,"x",null,true,{"__proto__":{}}]');
});
