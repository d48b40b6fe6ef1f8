import { create, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { decodeBinary } from '../../src/accept/decode.ts';
import { type EncodedBatch, encodeBatch } from '../../src/accept/encode-batch.ts';
import type { RawBatch } from '../../src/accept/raw-batch.ts';
import { readJsonBatch, readJsonRecord, readNdjson } from '../../src/accept/read-json.ts';
import { ServiceError } from '../../src/errors.ts';
import { type RecordKind, recordKinds, tables } from '../../src/records/tables.ts';
import { readTuple, splitTuples } from '../../src/records/tuples.ts';
import { encodeOptions } from '../records/generators.ts';

const rowsMax = 100;
const fromJsonBatch = (json: string) =>
  readJsonBatch(Buffer.from(json), { rowsMax, mayBeEmpty: false });

const rowsOf = ({ rows }: EncodedBatch, kind: RecordKind) =>
  splitTuples(rows[kind].copy).map((row) => readTuple(row, tables[kind]));

/** What a batch becomes: its rows without what every row has, and what is rejected. */
function encoded(batch: RawBatch) {
  const result = encodeBatch(batch, encodeOptions);
  const [events, usage] = recordKinds.map((kind) => rowsOf(result, kind));
  const { rejections } = result.answer;
  return { events, usage, rejections };
}

function fromBytes(events: Uint8Array[], usage: Uint8Array[] = []) {
  return { batchId: '', events, usage };
}

/** Why a whole batch is refused. */
function refusal(read: () => unknown): { field: string | undefined; message: string } {
  try {
    read();
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'invalid') {
      return { field: error.field, message: error.message };
    }
    throw error;
  }
  throw new Error('is not refused');
}

describe('a batch of JSON', () => {
  it('is read by either spelling of the names, unknown ones ignored', () => {
    const batch = fromJsonBatch(`{
      "batchId": "b", "unheard_of": 1,
      "events": [{"event_type": "A"}, {"eventType": "A", "of_later_days": {}}],
      "usage": [{"model": "m", "input_tokens": "12", "outputTokens": 3}]
    }`);
    expect(batch.batchId).toBe('b');
    expect(encoded({ ...batch, batchId: '' })).toMatchObject({
      events: [{ event_type: 'A' }, { event_type: 'A' }],
      usage: [{ model: 'm', prompt_tokens: 12, completion_tokens: 3 }],
    });
  });

  it('is read by names with escapes in them', () => {
    const json =
      '{"\\u0065vents": [{"event\\u005Ftype": "A", "\\u0076alue": 1}], "batch\\u0049d": ""}';
    expect(encoded(fromJsonBatch(json)).events).toMatchObject([{ event_type: 'A', value: 1 }]);
  });

  it('takes null for a field that is not given', () => {
    const event = '{"event_type":"A","component":null,"value":null,"metadata":null,"status":null}';
    const { events } = encoded(fromJsonBatch(`{"batch_id":null,"events":[${event}],"usage":null}`));
    const given = ['id', 'timestamp', 'observed_at', 'event_type'];
    expect(Object.keys(events?.[0] ?? {})).toEqual(given);
  });

  it("takes the application's own names of token counts, its current ones before them", () => {
    const { usage } = encoded(
      fromJsonBatch(`{"usage": [
        {"model": "m", "prompt_tokens": 7, "completion_tokens": 9},
        {"model": "m", "prompt_tokens": 7, "input_tokens": 8},
        {"model": "m", "inputTokens": null, "prompt_tokens": 7}
      ]}`),
    );
    expect(usage).toMatchObject([
      { prompt_tokens: 7, completion_tokens: 9 },
      { prompt_tokens: 8 },
      { prompt_tokens: 7 },
    ]);
  });

  it('takes truths for a measurement, as deployed clients send them', () => {
    const { events } = encoded(
      fromJsonBatch('[{"event_type":"A","value":true},{"event_type":"A","value":false}]'),
    );
    expect(events).toMatchObject([{ value: 1 }, { value: 0 }]);
  });

  it('takes numbers as strings, as ProtoJSON writes them', () => {
    const usage = {
      model: 'm',
      input_tokens: '9007199254740991',
      output_tokens: 5e2,
      cost_usd: '1.5e-1',
    };
    expect(encoded(fromJsonBatch(JSON.stringify({ usage: [usage] }))).usage).toMatchObject([
      { prompt_tokens: Number.MAX_SAFE_INTEGER, completion_tokens: 500, cost_usd: 0.15 },
    ]);
    expect(
      encoded(fromJsonBatch('{"usage":[{"model":"m","input_tokens":5.0}]}')).usage,
    ).toMatchObject([{ prompt_tokens: 5 }]);
  });

  it('keeps metadata as it is written, digit by digit', () => {
    const metadata =
      '{"big":9007199254740993,"long":0.12345678901234567890,"zeros":24.00,"e":1E+2,"__proto__":{"1":[]},"a":1,"a":2}';
    const batch = encodeBatch(
      fromJsonBatch(`[{"event_type":"A","metadata": ${metadata.replaceAll(',', ' ,\n')} }]`),
      encodeOptions,
    );
    expect(Buffer.from(batch.rows.event.copy).toString()).toContain(metadata);
  });

  it.each([
    ['null', '', 'is not a JSON object'],
    ['[]', '', 'is not a JSON object'],
    ['"text"', '', 'is not a JSON object'],
    ['{"event_type": 5}', 'event_type', 'cannot be read: expected string, got 5'],
    ['{"eventType": {}}', 'eventType', 'expected string'],
    ['{"event_type": "A", "value": "a"}', 'value', 'expected number'],
    ['{"event_type": "A", "value": 1e400}', 'value', 'infinite'],
    ['{"event_type": "A", "value": -1e400}', 'value', 'infinite'],
    ['{"event_type": "A", "value": "NaN"}', 'value', 'is NaN, not a finite number'],
    ['{"event_type": "A", "metadata": []}', 'metadata', 'expected object, got a list'],
    ['{"event_type": "A", "metadata": {"a": [1, 1e999]}}', 'metadata.a.1', 'is Infinity'],
    [
      '{"event_type": "A", "metadata": {"a": [1, {"b.c": -1e400}]}}',
      'metadata.a.1.b.c',
      '-Infinity',
    ],
    ['{"event_type": "A", "metadata": {"a": 1e-1075}}', 'metadata.a', 'has 1075 decimals'],
    ['{"event_type": "A", "metadata": {"a": 0e-99999}}', 'metadata.a', 'has 99999 decimals'],
    [
      `{"event_type": "A", "metadata": {"\\u0061": ${'9'.repeat(310)}}}`,
      'metadata.a',
      'is Infinity',
    ],
    ['{"event_type": "A", "timestamp": "yesterday"}', 'timestamp', 'expected RFC 3339 time'],
    [
      '{"event_type": "A", "timestamp": "2026-09-31T10:00:00Z"}',
      'timestamp',
      '"2026-09-31T10:00:00Z"',
    ],
    [
      '{"event_type": "A", "timestamp": "2026-02-30T10:00:00Z"}',
      'timestamp',
      'expected RFC 3339 time',
    ],
    [
      '{"event_type": "A", "timestamp": "2026-01-01T23:59:60Z"}',
      'timestamp',
      'expected RFC 3339 time',
    ],
    ['{"event_type": "A", "timestamp": "2026-01-01T10:00:00"}', 'timestamp', 'with zone'],
    ['{"event_type": "A", "timestamp": 1767225600}', 'timestamp', 'expected RFC 3339 time'],
    ['{"event_type": "A", "event_type": "B"}', 'event_type', 'is given twice'],
    ['{"event_type": "A", "eventType": "B"}', 'eventType', 'is given twice'],
    ['{"event_type": "A", "event_\\u0074ype": null}', 'event_type', 'is given twice'],
    ['{"event_type": "A", "value": "0x10"}', 'value', 'expected number, got "0x10"'],
    ['{"event_type": "A", "value": " 5 "}', 'value', 'expected number'],
    ['{"event_type": "A", "component": true}', 'component', 'expected string, got true'],
    ['{"event_type": "A", "id": "7"}', 'id', 'is not a UUID'],
    [`{"event_type": "A", "x": "${'x'.repeat(524_288)}"}`, '', '524288 are allowed'],
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

  it.each([
    ...['1.5', '"x"', '1e30', 'true', '99999999999999999999', '"0x10"', '" 5 "', '"5.0"', '"1e3"'],
    ...['""', '"+5"', '"007"', '"9223372036854775808"', '[]', '"NaN"'],
  ])('rejects %s as a number of tokens', (tokens) => {
    const decoded = fromJsonBatch(
      `{"usage": [{"model": "m", "input_tokens": ${tokens}}, {"model": "m"}]}`,
    );
    const { rejections, stored } = encodeBatch(decoded, encodeOptions).answer;
    expect(rejections).toMatchObject([{ kind: 'usage', index: 0, field: 'input_tokens' }]);
    expect(stored.usage).toBe(1);
  });
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

describe('a batch as a whole', () => {
  it('may be a bare list of events', () => {
    const batch = fromJsonBatch('\ufeff [{"event_type":"A"}, 5, {"event_type":"B"}] ');
    expect(encoded(batch)).toMatchObject({
      events: [{ event_type: 'A' }, { event_type: 'B' }],
      rejections: [{ index: 1, field: '', reason: 'is not a JSON object' }],
    });
  });

  it('may be lines, each of which fails by itself', () => {
    const lines = [
      '{"event_type":"A"}',
      '{"event_type":',
      '',
      ' \t\r',
      '{"event_type":"B"} x',
      '7',
    ];
    const bytes = Buffer.concat([
      Buffer.from(`${lines.join('\n')}\n{"event_type":"`),
      Buffer.from([0xff]),
      Buffer.from('"}\r\n{"event_type":"C"}'),
    ]);
    const { events, rejections } = encoded(readNdjson(bytes, rowsMax));
    expect(events).toMatchObject([{ event_type: 'A' }, { event_type: 'C' }]);
    expect(rejections).toMatchObject([
      { index: 1, field: '', reason: 'is not JSON: unexpected end at byte 14' },
      { index: 2, field: '', reason: 'is not JSON: unexpected "x" at byte 19' },
      { index: 3, field: '', reason: 'is not a JSON object' },
      { index: 4, field: '', reason: 'is not JSON: invalid UTF-8 at byte 15' },
    ]);
    const { events: counted } = readNdjson(Buffer.from('{}\n'.repeat(rowsMax + 1)), rowsMax);
    expect(counted).toHaveLength(rowsMax + 1);
  });

  it.each([
    ['', undefined, 'the message is not JSON: unexpected end at byte 0'],
    [
      '{"events":[{"event_type":"A"},]}',
      undefined,
      'the message is not JSON: unexpected "]" at byte 30',
    ],
    ['[{"event_type":"A"}]]', undefined, 'the message is not JSON: unexpected "]" at byte 20'],
    ['5', undefined, 'the message is neither a JSON object nor a list'],
    ['{}', 'events', 'the batch has neither events nor usage'],
    ['{"event_type":"A"}', 'events', 'the batch has neither events nor usage'],
    ['{"events":null}', 'events', 'the batch has neither events nor usage'],
    ['{"events":{}}', 'events', 'events is not a list'],
    ['{"usage":7}', 'usage', 'usage is not a list'],
    ['{"events":[],"events":[]}', 'events', 'events is given twice'],
    ['{"batch_id":"","batchId":"","events":[]}', 'batch_id', 'batch_id is given twice'],
    ['{"batch_id":5,"events":[]}', 'batch_id', 'batch_id is not a string'],
  ])('is refused: %s', (json, field, message) => {
    const refused = refusal(() => fromJsonBatch(json));
    expect(refused).toEqual({ field, message: expect.stringContaining(message) });
  });

  it.each(['{"events":[]}', '{"usage":[]}', '[]'])('may be empty by intention: %s', (json) => {
    expect(fromJsonBatch(json).events).toHaveLength(0);
  });

  it('by the contract may be empty without saying so, as ProtoJSON leaves out empty lists', () => {
    const read = (json: string) => readJsonBatch(Buffer.from(json), { rowsMax, mayBeEmpty: true });
    expect(read('{}').events).toHaveLength(0);
    expect(read('{"batch_id":"x"}').batchId).toBe('x');
    expect(refusal(() => read('{"event_type":"A"}')).field).toBe('events');
  });
});

describe('a single record', () => {
  const read = (json: string) => readJsonRecord(Buffer.from(json), 'event');

  it('has a key in either spelling, and no id', () => {
    const batch = read('{"id":"none of ours","id":1,"idempotencyKey":"k","event_type":"A"}');
    expect(batch.batchId).toBe('k');
    expect(encoded({ ...batch, batchId: '' })).toMatchObject({
      events: [{ event_type: 'A' }],
      rejections: [],
    });
  });

  it.each([
    ['{"idempotency_key":5}', 'idempotency_key', 'idempotency_key is not a string'],
    [
      '{"idempotency_key":"","idempotencyKey":""}',
      'idempotency_key',
      'idempotency_key is given twice',
    ],
    ['[]', undefined, 'the message is not a JSON object'],
    ['nul', undefined, 'the message is not JSON: unexpected end at byte 3'],
  ])('is refused: %s', (json, field, message) => {
    expect(refusal(() => read(json))).toEqual({ field, message });
  });
});
