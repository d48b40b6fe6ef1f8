import {
  create,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogBatchRequestSchema } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type EncodedBatch, encodeBatch } from '../../src/accept/encode-batch.ts';
import type { RawRecord } from '../../src/accept/raw-batch.ts';
import { readJsonBatch } from '../../src/accept/read-json.ts';
import { camelCase } from '../../src/records/fields.ts';
import { FieldFault } from '../../src/records/limits.ts';
import { type RecordKind, recordKinds, tables } from '../../src/records/tables.ts';
import { readTuple, splitTuples } from '../../src/records/tuples.ts';
import { encodeOptions, event, usage } from './generators.ts';

/** `JSON_RECORDS=1000000 npx vitest run test/records/json-record.test.ts` is the long run. */
const records = Number(process.env.JSON_RECORDS ?? 8000);
const batchRecords = 20;
const numRuns = Math.ceil(records / 4 / batchRecords);
const timeoutMs = 30_000 + 2 * records;

const batchId = '0190a1b2-c3d4-7000-8000-000000000001';
const nowMs = Date.UTC(2026, 0, 1);
const encode = (lists: { readonly events: RawRecord[]; readonly usage: RawRecord[] }) =>
  encodeBatch({ ...lists, batchId }, encodeOptions, 'batch_id', nowMs);

/** A batch as the reader of bytes sees it. */
const encodeText = (text: string): EncodedBatch =>
  encodeBatch(
    { ...readJsonBatch(Buffer.from(text), { rowsMax: 1000, mayBeEmpty: true }), batchId },
    encodeOptions,
    'batch_id',
    nowMs,
  );

const formerNames: Readonly<Record<string, string>> = {
  prompt_tokens: 'input_tokens',
  completion_tokens: 'output_tokens',
};

/** A record as the protobuf runtime's own reader of JSON sees it. */
function oracle(kind: RecordKind, json: JsonValue): RawRecord {
  const schema = kind === 'event' ? EventSchema : UsageSchema;
  if (json === null || typeof json !== 'object' || Array.isArray(json))
    return new FieldFault('', '');
  const named: JsonObject = { ...json };
  for (const [former, name] of Object.entries(formerNames)) {
    if (!(former in named) || (named[camelCase(name)] ?? null) !== null) continue;
    delete named[camelCase(name)];
    named[name] ??= named[former] ?? null;
  }
  try {
    return fromJson<typeof EventSchema | typeof UsageSchema>(schema, named, {
      ignoreUnknownFields: true,
    });
  } catch {
    return new FieldFault('', '');
  }
}

const rows = (batch: EncodedBatch, kind: RecordKind) =>
  splitTuples(batch.rows[kind].copy).map((row) => readTuple(row, tables[kind]));

/** Rows, fingerprint, and which records are rejected must be the same. */
function expectSame(direct: EncodedBatch, reference: EncodedBatch): void {
  const rejected = ({ answer }: EncodedBatch) =>
    answer.rejections.map(({ kind, index }) => ({ kind, index }));
  expect(rejected(direct)).toEqual(rejected(reference));
  expect(direct.answer.stored).toEqual(reference.answer.stored);
  for (const kind of recordKinds) expect(rows(direct, kind)).toEqual(rows(reference, kind));
  expect(Buffer.from(direct.fingerprint)).toEqual(Buffer.from(reference.fingerprint));
}

/** Some way to write a value as JSON. */
type Style = { readonly space: string; readonly escaping: number };
const style: fc.Arbitrary<Style> = fc.record({
  space: fc.constantFrom('', '', ' ', '\t', '\r\n'),
  escaping: fc.constantFrom(0, 0, 1, 2),
});

/** As it is, or with all characters outside of ASCII as escapes, small or large. */
function written(value: unknown, { space, escaping }: Style): string {
  const text = JSON.stringify(value, undefined, space);
  if (escaping === 0) return text;
  return text.replace(/[^\0-\x7f]/g, (unit) => {
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${escaping === 1 ? hex : hex.toUpperCase()}`;
  });
}

const anyBatch = fc
  .record({
    events: fc.array(event, { maxLength: batchRecords }),
    usage: fc.array(usage, { maxLength: batchRecords }),
  })
  .map((init) => create(LogBatchRequestSchema, init));

/** A number in a string that the runtime takes, and ProtoJSON does not. */
const isLoose = (value: unknown): boolean =>
  typeof value === 'string' &&
  Number.isFinite(Number(value)) &&
  !/^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)?$/.test(value);

const oddValue: fc.Arbitrary<JsonValue> = fc
  .oneof(
    fc.constantFrom<JsonValue>(null, '', [], {}, 0, -1, 1.5, 1e21, 2 ** 53, 'x', '\0', '\ud800'),
    fc.constantFrom<JsonValue>('NaN', '-Infinity', '12', '-3', '1.5', '1e3', 'abc', '9'.repeat(30)),
    fc.constantFrom<JsonValue>('9223372036854775807', '9223372036854775808', '9007199254740993'),
    fc.constantFrom<JsonValue>('2026-01-01T00:00:00Z', '2025-12-31T23:59:59.9999999+05:30', '2026'),
    fc.constantFrom<JsonValue>('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x'.repeat(65)),
    fc
      .constantFrom('x', '検', '😀')
      .chain((sign) => fc.constantFrom(256, 257).map((n) => sign.repeat(n))),
    fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
  )
  .filter((value) => typeof value !== 'boolean' && !isLoose(value));

const nameOf = fc.constantFrom(
  ...['event_type', 'eventType', 'component', 'value', 'metadata', 'status', 'timestamp', 'id'],
  ...['model', 'layer', 'input_tokens', 'outputTokens', 'cached_tokens', 'reasoningTokens'],
  ...['cache_write_tokens', 'cacheWrite1hTokens', 'response_id', 'ambiguous', 'costSource'],
  ...['prompt_tokens', 'completion_tokens', 'duration_ms', 'costUsd', 'ghost_id', 'shellId'],
  ...['unknown', '__proto__', '', 'idempotency_key', 'é'],
);
/** Fields that are each of any value, in any order; a record has no field in two spellings. */
const oddRecord = fc
  .array(fc.tuple(nameOf, oddValue), { maxLength: 5 })
  .map((fields) => Object.fromEntries([['event_type', 'A'], ['model', 'm'], ...fields]))
  .filter((record) => {
    const names = Object.keys(record).map((name) =>
      name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
    );
    return (
      new Set(names).size === names.length && !('cost_usd' in record && record.cost_usd === '')
    );
  });

describe('JSON, read as bytes or by the protobuf runtime, gives the same', () => {
  it(
    'of any valid batch, in either spelling and any way to write it',
    () => {
      const property = fc.property(
        anyBatch,
        fc.boolean(),
        style,
        (batch, useProtoFieldName, how) => {
          const text = JSON.stringify(toJson(LogBatchRequestSchema, batch, { useProtoFieldName }));
          const json = JSON.parse(text);
          const direct = encodeText(written(json, how));
          const { events = [], usage = [] } = json as Partial<Record<string, JsonValue[]>>;
          const reference = encode({
            events: events.map((record) => oracle('event', record)),
            usage: usage.map((record) => oracle('usage', record)),
          });
          expectSame(direct, reference);
          const travelled = encode({
            events: batch.events.map((message) => toBinary(EventSchema, message)),
            usage: batch.usage.map((message) => toBinary(UsageSchema, message)),
          });
          expect(Buffer.from(direct.fingerprint)).toEqual(Buffer.from(travelled.fingerprint));
        },
      );
      fc.assert(property, { numRuns });
    },
    timeoutMs,
  );

  it(
    'of records with values that do not belong there',
    () => {
      const list = fc.array(
        fc.oneof(
          { weight: 20, arbitrary: oddRecord as fc.Arbitrary<JsonValue> },
          { weight: 1, arbitrary: oddValue },
        ),
        {
          maxLength: batchRecords,
        },
      );
      const property = fc.property(list, list, style, (events, usages, how) => {
        const direct = encodeText(written({ usage: usages, events }, how));
        // Halves of pairs are gone before the runtime sees them.
        const whole = JSON.parse(
          written({ usage: usages, events }, { space: '', escaping: 0 }).replace(
            /\\ud[89a-f]../g,
            '\ufffd',
          ),
        );
        const reference = encode({
          events: whole.events.map((json: JsonValue) => oracle('event', json)),
          usage: whole.usage.map((json: JsonValue) => oracle('usage', json)),
        });
        expectSame(direct, reference);
      });
      fc.assert(property, { numRuns });
    },
    timeoutMs,
  );
});
