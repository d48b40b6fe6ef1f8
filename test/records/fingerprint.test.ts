import { clone, create, fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinaryBatchSchema } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type LogBatchRequest,
  LogBatchRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import type { RawBatch } from '../../src/accept/raw-batch.ts';
import { readJsonBatch } from '../../src/accept/read-json.ts';
import { encodeOptions, event, usage } from './generators.ts';

const fingerprint = (decoded: RawBatch): string =>
  Buffer.from(encodeBatch(decoded, encodeOptions).fingerprint).toString('hex');

function byProtobuf(batch: LogBatchRequest): string {
  const bytes = toBinary(LogBatchRequestSchema, batch);
  return fingerprint(fromBinary(BinaryBatchSchema, bytes));
}

function byJson(batch: LogBatchRequest, useProtoFieldName: boolean): string {
  const json = toJsonString(LogBatchRequestSchema, batch, { useProtoFieldName });
  return fingerprint(readJsonBatch(Buffer.from(json), { rowsMax: 100, mayBeEmpty: true }));
}

const batch = fc
  .record({ events: fc.array(event, { maxLength: 3 }), usage: fc.array(usage, { maxLength: 3 }) })
  .map((init) => create(LogBatchRequestSchema, init));

const example = create(LogBatchRequestSchema, {
  events: [
    {
      eventType: 'VRAM_CHECK',
      component: 'L1',
      value: 12.5,
      metadata: { gpu_id: 0 },
      status: 'OK',
      timestamp: { seconds: 1_767_225_600n, nanos: 123_456_000 },
    },
    { eventType: 'PLAIN' },
  ],
  usage: [
    {
      model: 'm',
      layer: 'L2',
      provider: 'p',
      operation: 'chat',
      inputTokens: 10n,
      outputTokens: 20n,
      cachedTokens: 3n,
      reasoningTokens: 4n,
      durationMs: 5,
      costUsd: 0.1,
      ghostId: 'g',
      shellId: 's',
      metadata: { a: 1 },
      timestamp: { seconds: 1_767_225_600n, nanos: 0 },
    },
  ],
});

type Records = { event: LogBatchRequest['events'][0]; usage: LogBatchRequest['usage'][0] };

function changed(change: (records: Records, batch: LogBatchRequest) => void): LogBatchRequest {
  const copy = clone(LogBatchRequestSchema, example);
  const [firstEvent, firstUsage] = [copy.events[0], copy.usage[0]];
  if (firstEvent && firstUsage) change({ event: firstEvent, usage: firstUsage }, copy);
  return copy;
}

describe('the fingerprint of a batch', () => {
  it('has 16 bytes and never changes, for it is kept in ledgers', () => {
    expect(byProtobuf(example)).toBe('dd63eb172c68139e8a5d07d9b0dfce88');
  });

  it('has each later field at its place, which never changes either', () => {
    const later = changed(({ usage }) =>
      Object.assign(usage, {
        cacheWriteTokens: 1n,
        cacheWrite1hTokens: 2n,
        sessionId: 'a',
        responseId: 'b',
        requestId: 'c',
        agent: 'd',
        userId: 'e',
        team: 'f',
        project: 'g',
        traceId: 'h',
        spanId: 'i',
        timeToFirstTokenMs: 3,
        status: 'j',
        errorType: 'k',
        serviceTier: 'l',
        costSource: 'm',
        usageRule: 'n',
      }),
    );
    expect(byProtobuf(later)).toBe('dc360d4cf42748576e8a974cb488b0db');
  });

  it('is the same by protobuf and by JSON of either spelling', () => {
    const property = fc.property(batch, fc.boolean(), (content, useProtoFieldName) => {
      expect(byJson(content, useProtoFieldName)).toBe(byProtobuf(content));
    });
    fc.assert(property, { seed: 3, numRuns: 200 });
  });

  it.each<[string, Parameters<typeof changed>[0]]>([
    ['one event fewer', (_, { events }) => events.pop()],
    ['one event more', ({ event }, { events }) => events.push(event)],
    ['one usage record more', ({ usage }, { usage: all }) => all.push(usage)],
    ['the order of events', (_, { events }) => events.reverse()],
    ['event_type', ({ event }) => set(event, 'eventType', 'OTHER')],
    ['component', ({ event }) => set(event, 'component', 'L2')],
    [
      'text moved between fields',
      ({ event }) => Object.assign(event, { eventType: 'VRAM_CHECKL', component: '1' }),
    ],
    ['value', ({ event }) => set(event, 'value', 12.6)],
    ['value absent', ({ event }) => set(event, 'value', undefined)],
    ['status', ({ event }) => set(event, 'status', 'ERROR')],
    ['timestamp', ({ event }) => set(event, 'timestamp', time(1_767_225_601n))],
    [
      'timestamp by a microsecond',
      ({ event }) => set(event, 'timestamp', time(1_767_225_600n, 123_457_000)),
    ],
    ['timestamp absent', ({ event }) => set(event, 'timestamp', undefined)],
    ['model', ({ usage }) => set(usage, 'model', 'n')],
    ['layer', ({ usage }) => set(usage, 'layer', 'L3')],
    ['provider', ({ usage }) => set(usage, 'provider', 'q')],
    ['operation', ({ usage }) => set(usage, 'operation', 'embed')],
    ['input_tokens', ({ usage }) => set(usage, 'inputTokens', 11n)],
    ['output_tokens', ({ usage }) => set(usage, 'outputTokens', 21n)],
    ['cached_tokens', ({ usage }) => set(usage, 'cachedTokens', 2n)],
    ['reasoning_tokens', ({ usage }) => set(usage, 'reasoningTokens', 5n)],
    ['duration_ms', ({ usage }) => set(usage, 'durationMs', 6)],
    ['cost_usd', ({ usage }) => set(usage, 'costUsd', 0.2)],
    ['cost_usd absent', ({ usage }) => set(usage, 'costUsd', undefined)],
    ['ghost_id', ({ usage }) => set(usage, 'ghostId', 'h')],
    ['shell_id', ({ usage }) => set(usage, 'shellId', 't')],
    ['timestamp of usage', ({ usage }) => set(usage, 'timestamp', undefined)],
    ['cache_write_tokens', ({ usage }) => set(usage, 'cacheWriteTokens', 1n)],
    ['cache_write_1h_tokens', ({ usage }) => set(usage, 'cacheWrite1hTokens', 1n)],
    ['session_id', ({ usage }) => set(usage, 'sessionId', 'a')],
    ['response_id', ({ usage }) => set(usage, 'responseId', 'a')],
    ['request_id', ({ usage }) => set(usage, 'requestId', 'a')],
    ['agent', ({ usage }) => set(usage, 'agent', 'a')],
    ['user_id', ({ usage }) => set(usage, 'userId', 'a')],
    ['team', ({ usage }) => set(usage, 'team', 'a')],
    ['project', ({ usage }) => set(usage, 'project', 'a')],
    ['trace_id', ({ usage }) => set(usage, 'traceId', 'a')],
    ['span_id', ({ usage }) => set(usage, 'spanId', 'a')],
    ['time_to_first_token_ms', ({ usage }) => set(usage, 'timeToFirstTokenMs', 0)],
    ['status of usage', ({ usage }) => set(usage, 'status', 'a')],
    ['error_type', ({ usage }) => set(usage, 'errorType', 'a')],
    ['service_tier', ({ usage }) => set(usage, 'serviceTier', 'a')],
    ['cost_source', ({ usage }) => set(usage, 'costSource', 'a')],
    ['usage_rule', ({ usage }) => set(usage, 'usageRule', 'a')],
  ])('differs with %s', (_, change) => {
    expect(byProtobuf(changed(change))).not.toBe(byProtobuf(example));
  });

  it.each<[string, Parameters<typeof changed>[0]]>([
    [
      'metadata',
      ({ event, usage }) => {
        set(event, 'metadata', { other: true });
        set(usage, 'metadata', undefined);
      },
    ],
    [
      'nanoseconds, which are not stored',
      ({ event }) => set(event, 'timestamp', time(1_767_225_600n, 123_456_789)),
    ],
    ['the batch id', (_, all) => set(all, 'batchId', '019b7b0f-4a7b-7000-8000-000000000001')],
  ])('does not differ with %s', (_, change) => {
    expect(byProtobuf(changed(change))).toBe(byProtobuf(example));
  });

  it('tells zero from absent, and not from negative zero, which JSON does not have', () => {
    const withValue = (value: number | undefined) =>
      byProtobuf(changed(({ event }) => set(event, 'value', value)));
    expect(withValue(0)).not.toBe(withValue(undefined));
    expect(withValue(-0)).toBe(withValue(0));
  });

  it('knows one NaN, for JSON has no others', () => {
    const invalid = changed(({ event }) => set(event, 'value', Number.NaN));
    const bytes = Buffer.from(toBinary(LogBatchRequestSchema, invalid));
    bytes.write('010000000000f8ff', bytes.indexOf('000000000000f87f', 0, 'hex'), 'hex');
    const oddNan = fingerprint(fromBinary(BinaryBatchSchema, bytes));
    expect(oddNan).toBe(byJson(invalid, true));
  });

  it('is taken of invalid records too', () => {
    const broken = changed(({ event }) => set(event, 'eventType', ''));
    const otherwise = changed(({ event }) => Object.assign(event, { eventType: '', status: 'X' }));
    expect(byProtobuf(broken)).toBe(byJson(broken, true));
    expect(byProtobuf(broken)).not.toBe(byProtobuf(otherwise));
  });
});

function set<T, Key extends keyof T>(target: T, key: Key, value: T[Key] | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}

const time = (seconds: bigint, nanos = 0) => ({
  $typeName: 'google.protobuf.Timestamp' as const,
  seconds,
  nanos,
});
