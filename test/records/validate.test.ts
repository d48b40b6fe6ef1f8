import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { FieldFault, limits } from '../../src/records/limits.ts';
import { RecordValues } from '../../src/records/record-values.ts';
import { RowWriter } from '../../src/records/rows.ts';
import { type RecordKind, tables } from '../../src/records/tables.ts';
import { readTuple } from '../../src/records/tuples.ts';
import { Validator } from '../../src/records/validate.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 0, 1);
const window = { ageMsMax: 30 * dayMs, aheadMsMax: 3_600_000 };

type EventInit = MessageInitShape<typeof EventSchema>;
type UsageInit = MessageInitShape<typeof UsageSchema>;

/** The row that a message becomes, by column. */
function stored(kind: RecordKind, message: Event | Usage): Record<string, unknown> {
  const record = new RecordValues(kind);
  record.readMessage(message);
  new Validator(window, nowMs).check(record);
  const row = new ByteWriter();
  new RowWriter(row, nowMs * 1000).write(record, new Uint8Array(16));
  return readTuple(row.bytes(), tables[kind]);
}

const event = (init: EventInit) =>
  stored('event', create(EventSchema, { eventType: 'A', ...init }));
const usage = (init: UsageInit) => stored('usage', create(UsageSchema, { model: 'm', ...init }));

function fault(validate: () => unknown): Pick<FieldFault, 'field' | 'message'> {
  try {
    validate();
  } catch (error) {
    if (error instanceof FieldFault) return { field: error.field, message: error.message };
    throw error;
  }
  throw new Error('nothing is at fault');
}

const bytes = (count: number) => 'x'.repeat(count);
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const usageNames = [
  ...['layer', 'provider', 'operation', 'ghostId', 'shellId', 'model', 'sessionId', 'responseId'],
  ...['requestId', 'agent', 'userId', 'team', 'project', 'traceId', 'spanId', 'errorType'],
  'serviceTier',
];
const usageMarks = ['status', 'costSource', 'usageRule'];
/** Of one, two, three and four bytes. */
const signs = ['x', 'ü', '検', '😀'];

describe('texts', () => {
  it.each(signs)(
    'may have as many characters %s as their limit, whatever bytes these take',
    (sign) => {
      const text = sign.repeat(limits.nameCharactersMax);
      const status = sign.repeat(limits.statusCharactersMax);
      expect(event({ eventType: text, component: text, status })).toMatchObject({
        event_type: text,
        component: text,
        status,
      });
      for (const name of usageNames) {
        expect(usage({ [name]: text })).toMatchObject({ [snake(name)]: text });
      }
    },
  );

  it.each(signs)('may not have one %s more', (sign) => {
    const message = 'is 257 characters long; at most 256 are allowed';
    const text = sign.repeat(257);
    for (const name of ['eventType', 'component']) {
      expect(fault(() => event({ [name]: text }))).toEqual({ field: snake(name), message });
    }
    for (const name of usageNames) {
      expect(fault(() => usage({ [name]: text }))).toEqual({ field: snake(name), message });
    }
    const tooLong = 'is 65 characters long; at most 64 are allowed';
    expect(fault(() => event({ status: sign.repeat(65) }))).toEqual({
      field: 'status',
      message: tooLong,
    });
    for (const name of usageMarks) {
      const mark = { costUsd: 1, [name]: sign.repeat(65) };
      expect(fault(() => usage(mark))).toEqual({ field: snake(name), message: tooLong });
    }
  });

  it('are required where a record is nothing without them', () => {
    expect(fault(() => event({ eventType: '' }))).toEqual({
      field: 'event_type',
      message: 'is required',
    });
    expect(fault(() => usage({ model: '' }))).toEqual({ field: 'model', message: 'is required' });
  });

  it('are made storable', () => {
    expect(event({ eventType: 'a\0', status: '\0' })).toMatchObject({
      event_type: 'a\uFFFD',
      status: '\uFFFD',
    });
  });
});

describe('metadata', () => {
  it('may take 64 KiB of JSON and no more', () => {
    const text = (jsonBytes: number) => ({ metadata: { a: bytes(jsonBytes - '{"a":""}'.length) } });
    expect(event(text(65_536)).metadata).toEqual(text(65_536).metadata);
    expect(fault(() => event(text(65_537)))).toEqual({
      field: 'metadata',
      message: 'is 65537 bytes of JSON; at most 65536 are allowed',
    });
  });

  it('may have 32 levels, of lists and objects', () => {
    const nested = (levels: number): [] => (levels === 1 ? [] : ([nested(levels - 1)] as never));
    expect(event({ metadata: { a: nested(31) } }).metadata).toEqual({ a: nested(31) });
    expect(fault(() => usage({ metadata: { a: nested(32) } }))).toEqual({
      field: 'metadata',
      message: 'is nested more than 32 levels deep',
    });
  });

  it('has finite numbers, and the path of one that is not is told', () => {
    expect(fault(() => event({ metadata: { gpu: [{ load: Number.NaN }] } }))).toEqual({
      field: 'metadata.gpu.0.load',
      message: 'is NaN, not a finite number',
    });
  });
});

describe('numbers', () => {
  it.each([Number.NaN, Infinity, -Infinity])('cannot be %s', (value) => {
    const message = `is ${value}, not a finite number`;
    expect(fault(() => event({ value }))).toEqual({ field: 'value', message });
    for (const [name, field] of [
      ['durationMs', 'duration_ms'],
      ['costUsd', 'cost_usd'],
      ['timeToFirstTokenMs', 'time_to_first_token_ms'],
    ] as const) {
      const negative = value < 0 ? 'is negative' : message;
      expect(fault(() => usage({ [name]: value }))).toEqual({ field, message: negative });
    }
  });

  it('may be negative where a measurement may', () => {
    expect(event({ value: -1 }).value).toBe(-1);
    expect(fault(() => usage({ costUsd: -1e-9 }))).toMatchObject({ field: 'cost_usd' });
    expect(fault(() => usage({ durationMs: -1 }))).toMatchObject({ field: 'duration_ms' });
  });

  it('of tokens go from 0 to what JSON can say', () => {
    const max = BigInt(Number.MAX_SAFE_INTEGER);
    expect(usage({ inputTokens: max, cachedTokens: max })).toMatchObject({
      prompt_tokens: Number.MAX_SAFE_INTEGER,
      cached_tokens: Number.MAX_SAFE_INTEGER,
    });
    for (const [name, field] of [
      ['inputTokens', 'input_tokens'],
      ['outputTokens', 'output_tokens'],
      ['cachedTokens', 'cached_tokens'],
      ['reasoningTokens', 'reasoning_tokens'],
      ['cacheWriteTokens', 'cache_write_tokens'],
      ['cacheWrite1hTokens', 'cache_write_1h_tokens'],
    ] as const) {
      expect(fault(() => usage({ [name]: -1n }))).toEqual({ field, message: 'is negative' });
      expect(fault(() => usage({ [name]: max + 1n }))).toEqual({
        field,
        message: 'is greater than 9007199254740991',
      });
    }
  });

  it.each<UsageInit>([
    { inputTokens: 1n, cachedTokens: 2n },
    { inputTokens: 3n, cachedTokens: 2n, cacheWriteTokens: 2n },
    { inputTokens: 3n, cacheWriteTokens: 1n, cacheWrite1hTokens: 2n },
    { outputTokens: 1n, reasoningTokens: 2n },
  ])('of a part that are greater than the whole are kept, and marked: %o', (init) => {
    const row = usage(init);
    expect(row).toMatchObject({
      prompt_tokens: Number(init.inputTokens ?? 0),
      cached_tokens: Number(init.cachedTokens ?? 0),
      reasoning_tokens: Number(init.reasoningTokens ?? 0),
      ambiguous: true,
    });
  });

  it('of parts that make up the whole are marked as nothing', () => {
    const input = { inputTokens: 3n, cachedTokens: 1n, cacheWriteTokens: 2n };
    const row = usage({ ...input, cacheWrite1hTokens: 2n, outputTokens: 1n, reasoningTokens: 1n });
    expect(row).not.toHaveProperty('ambiguous');
  });
});

describe('what a record of usage does not say', () => {
  it('is said for it: whose the cost is, and how its tokens were counted', () => {
    expect(usage({})).toMatchObject({ usage_rule: 'contract' });
    expect(usage({})).not.toHaveProperty('cost_source');
    expect(usage({ costUsd: 0 })).toMatchObject({ cost_source: 'client' });
    const said = { costUsd: 1, costSource: 'invoice', usageRule: 'mine' };
    expect(usage(said)).toMatchObject({ cost_source: 'invoice', usage_rule: 'mine' });
  });

  it('is nothing where it makes no sense without the rest', () => {
    expect(usage({ costSource: 'invoice' })).not.toHaveProperty('cost_source');
    expect(fault(() => usage({ costUsd: 1, costSource: 'computed' }))).toEqual({
      field: 'cost_source',
      message: 'is computed, which the collector alone says',
    });
  });
});

describe('times', () => {
  const at = (ms: number) => ({ timestamp: timestampFromMs(ms) });

  it('lie in the window, its ends included', () => {
    for (const ms of [nowMs - window.ageMsMax, nowMs, nowMs + window.aheadMsMax]) {
      const timestamp = new Date(ms).toISOString();
      expect(event(at(ms))).toMatchObject({ timestamp });
      expect(usage(at(ms))).toMatchObject({ timestamp });
    }
  });

  it.each([-1, 1_000_000_000, -2_147_483_648])('are none with %i nanoseconds', (nanos) => {
    const timestamp = { seconds: BigInt(nowMs / 1000), nanos };
    for (const record of [event, usage]) {
      expect(fault(() => record({ timestamp }))).toEqual({
        field: 'timestamp',
        message: `has ${nanos} nanoseconds; from 0 to 999999999 are allowed`,
      });
    }
  });

  it('lie nowhere else', () => {
    for (const record of [event, usage]) {
      expect(fault(() => record(at(nowMs - window.ageMsMax - 1)))).toEqual({
        field: 'timestamp',
        message: 'is older than 30 days',
      });
      expect(fault(() => record(at(nowMs + window.aheadMsMax + 1)))).toEqual({
        field: 'timestamp',
        message: 'is more than 60 minutes ahead',
      });
    }
  });
});

it('takes any UUID as the id of a record, and nothing else', () => {
  const id = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11';
  expect(event({ id }).id).toBe(id.toLowerCase());
  for (const wrong of ['1', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', `${id}1`, `{${id}}`]) {
    expect(fault(() => event({ id: wrong }))).toEqual({ field: 'id', message: 'is not a UUID' });
    expect(fault(() => usage({ id: wrong }))).toMatchObject({ field: 'id' });
  }
});
