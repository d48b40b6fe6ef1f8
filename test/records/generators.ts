import { create, type JsonObject, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import type { EncodeOptions } from '../../src/accept/encode-batch.ts';
import { limits } from '../../src/records/limits.ts';

/** Any time that a number of microseconds holds exactly. */
const farMs = 9_000_000_000_000;

export const encodeOptions: EncodeOptions = {
  eventTime: { ageMsMax: farMs, aheadMsMax: 6_000_000_000_000 },
  batchIdTime: { ageMsMax: farMs, aheadMsMax: farMs },
};

const text = (charactersMax: number, minLength = 0) =>
  fc.string({ unit: 'binary', minLength }).filter((value) => [...value].length <= charactersMax);

/** Finite doubles, the odd ones among them often. */
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 0, 5e-324, -5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, 0.1),
);

export const amount = double.map(Math.abs);

const timestamp = fc
  .record({
    seconds: fc.integer({ min: -6_000_000_000, max: 7_500_000_000 }).map(BigInt),
    nanos: fc.integer({ min: 0, max: 999_999_999 }),
  })
  .map((value) => ({ $typeName: 'google.protobuf.Timestamp' as const, ...value }));

const metadata = fc.dictionary(text(64), fc.jsonValue({ stringUnit: 'binary' }), { maxKeys: 4 });

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const tokens = fc.oneof(fc.nat(100_000), fc.constantFrom(0, limits.tokensMax, 2 ** 32, 2 ** 31));
const uuid = fc.oneof(fc.constant(''), fc.uuid());

/** A message with only the fields that are there: absent and undefined are not the same to it. */
const present = <Init extends object>(init: Init) =>
  Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined));

/** Events that meet every rule. */
export const event: fc.Arbitrary<Event> = fc
  .record({
    eventType: text(limits.nameCharactersMax, 1),
    component: text(limits.nameCharactersMax),
    value: optional(double),
    metadata: optional(metadata),
    status: text(limits.statusCharactersMax),
    timestamp: optional(timestamp),
    id: uuid,
  })
  .map((init) => create(EventSchema, present(init) as MessageInitShape<typeof EventSchema>));

const name = text(limits.nameCharactersMax);
const mark = text(limits.statusCharactersMax);
const count = tokens.map(BigInt);

/** Usage records that meet every rule. */
export const usage: fc.Arbitrary<Usage> = fc
  .record({
    model: text(limits.nameCharactersMax, 1),
    layer: name,
    provider: name,
    operation: name,
    inputTokens: count,
    outputTokens: count,
    cachedTokens: count,
    reasoningTokens: count,
    durationMs: optional(amount),
    costUsd: optional(amount),
    ghostId: name,
    shellId: name,
    metadata: optional(metadata),
    timestamp: optional(timestamp),
    id: uuid,
    cacheWriteTokens: count,
    cacheWrite1hTokens: count,
    sessionId: name,
    responseId: name,
    requestId: name,
    agent: name,
    userId: name,
    team: name,
    project: name,
    traceId: name,
    spanId: name,
    timeToFirstTokenMs: optional(amount),
    status: mark,
    errorType: name,
    serviceTier: name,
    costSource: mark.filter((source) => source !== 'computed'),
    usageRule: mark,
  })
  .map((init) => create(UsageSchema, present(init) as MessageInitShape<typeof UsageSchema>));

/** What is stored of a text: NUL has no place in PostgreSQL. */
export const storedText = (value: string): string => value.replaceAll('\0', '\uFFFD');

/** What is stored of JSON; it has no negative zero. */
export function storedJson(value: JsonValue): JsonValue {
  if (typeof value === 'string') return storedText(value);
  if (typeof value === 'number') return value + 0;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(storedJson);
  const entries = Object.entries(value).map(([key, item]) => [storedText(key), storedJson(item)]);
  return Object.fromEntries(entries) as JsonObject;
}
