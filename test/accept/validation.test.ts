import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();

/** Objects in one another, `levels` of them. */
function nested(levels: number): JsonObject {
  return levels === 1 ? {} : { inner: nested(levels - 1) };
}

/** Metadata that is so many bytes of JSON. */
const metadataOf = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });

const event = (fields: JsonObject) => ({ event_type: 'RULE', ...fields });
const usage = (fields: JsonObject) => ({ model: 'rule', ...fields });
const names = ['layer', 'provider', 'operation', 'ghost_id', 'shell_id'];
const tooLong = 'is 257 characters long; at most 256 are allowed';

interface Rule {
  readonly kind: 'event' | 'usage';
  readonly record: JsonObject;
  readonly field: string;
  readonly reason: string;
}

const rules: Rule[] = [
  ...(
    [
      [{ component: 'L1' }, 'event_type', 'is required'],
      [event({ event_type: 'x'.repeat(257) }), 'event_type', tooLong],
      [event({ component: '検'.repeat(257) }), 'component', tooLong],
      [
        event({ status: 'x'.repeat(65) }),
        'status',
        'is 65 characters long; at most 64 are allowed',
      ],
      [event({ value: 'NaN' }), 'value', 'is NaN, not a finite number'],
      [event({ value: '-Infinity' }), 'value', 'is -Infinity, not a finite number'],
      [
        event({ metadata: metadataOf(65_537) }),
        'metadata',
        'is 65537 bytes of JSON; at most 65536 are allowed',
      ],
      [event({ metadata: nested(33) }), 'metadata', 'is nested more than 32 levels deep'],
      [event({ timestamp: fromNow(-30 * dayMs - minuteMs) }), 'timestamp', 'is older than 30 days'],
      [event({ timestamp: fromNow(dayMs) }), 'timestamp', 'is more than 60 minutes ahead'],
    ] as const
  ).map(([record, field, reason]) => ({ kind: 'event' as const, record, field, reason })),
  ...(
    [
      [{ layer: 'L1' }, 'model', 'is required'],
      [usage({ model: 'x'.repeat(257) }), 'model', tooLong],
      ...names.map((name) => [usage({ [name]: 'x'.repeat(257) }), name, tooLong] as const),
      [usage({ input_tokens: '-1' }), 'input_tokens', 'is negative'],
      [usage({ output_tokens: '-1' }), 'output_tokens', 'is negative'],
      [
        usage({ input_tokens: '9007199254740992' }),
        'input_tokens',
        'is greater than 9007199254740991',
      ],
      [usage({ cache_write_tokens: -1 }), 'cache_write_tokens', 'is negative'],
      [
        usage({ cost_usd: 1, cost_source: 'computed' }),
        'cost_source',
        'is computed, which the collector alone says',
      ],
      [usage({ duration_ms: -1 }), 'duration_ms', 'is negative'],
      [usage({ duration_ms: 'Infinity' }), 'duration_ms', 'is Infinity, not a finite number'],
      [usage({ cost_usd: -0.01 }), 'cost_usd', 'is negative'],
      [usage({ cost_usd: 'NaN' }), 'cost_usd', 'is NaN, not a finite number'],
      [usage({ metadata: nested(33) }), 'metadata', 'is nested more than 32 levels deep'],
      [usage({ timestamp: fromNow(-31 * dayMs) }), 'timestamp', 'is older than 30 days'],
    ] as const
  ).map(([record, field, reason]) => ({ kind: 'usage' as const, record, field, reason })),
];

const batchOf = ({ kind, record }: Rule) =>
  kind === 'event'
    ? { events: [fromJson(EventSchema, record)] }
    : { usage: [fromJson(UsageSchema, record)] };

describe('every rule, by every road', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  it.each(rules)('$kind: $field $reason', async (rule) => {
    const { kind, record, field, reason } = rule;
    const { baseUrl } = telemetry;
    const unary = await postJson(
      `${baseUrl}/v1/telemetry/${kind === 'event' ? 'log' : 'usage'}`,
      record,
    );
    expect(unary).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', message: `${field} ${reason}` },
    });
    const list = kind === 'event' ? 'events' : 'usage';
    const batch = await postJson(`${baseUrl}/v1/telemetry/batch`, { [list]: [record] });
    const rejections = [{ index: 0, field, reason }];
    expect(batch).toMatchObject({ status: 200, body: { rejected: 1, rejections } });

    const grpc = createClient(IngestService, createGrpcTransport({ baseUrl }));
    expect(await grpc.logBatch(batchOf(rule))).toMatchObject({ rejected: 1, rejections });
    async function* one() {
      yield batchOf(rule);
    }
    expect(await grpc.streamEvents(one())).toMatchObject({ rejected: 1n, rejections });
    const json = createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: false });
    for await (const { ack } of createClient(IngestService, json).streamBatches(one())) {
      expect(ack).toMatchObject({ rejected: 1, rejections });
    }
  });

  it('names the path of a number in metadata that is not finite', async () => {
    const { baseUrl } = telemetry;
    const { status, body } = await postJson(
      `${baseUrl}/v1/telemetry/log`,
      '{"event_type": "RULE", "metadata": {"gpu": {"load": 1e400}}}',
    );
    const message = 'metadata.gpu.load is Infinity, not a finite number';
    expect({ status, message: body.message }).toEqual({ status: 400, message });
    const grpc = createClient(IngestService, createGrpcTransport({ baseUrl }));
    const batch = { events: [{ eventType: 'RULE', metadata: { load: [Number.NaN] } }] };
    expect(await grpc.logBatch(batch)).toMatchObject({
      rejections: [{ field: 'metadata.load.0', reason: 'is NaN, not a finite number' }],
    });
  });

  it('stored none of it', async () => {
    const { database } = telemetry;
    expect(await database.count('select count(*) from system_telemetry')).toBe(0);
    expect(await database.count('select count(*) from usage_stats')).toBe(0);
  });

  it('takes what just meets the rules', async () => {
    const { baseUrl, database } = telemetry;
    const name = '検'.repeat(256);
    const events = [
      {
        event_type: name,
        component: name,
        status: '😀'.repeat(64),
        value: -1.7976931348623157e308,
      },
      event({ metadata: metadataOf(65_536) }),
      event({ metadata: nested(32), timestamp: fromNow(-30 * dayMs + minuteMs) }),
      event({ timestamp: fromNow(59 * minuteMs), id: '00000000-0000-0000-0000-000000000001' }),
    ];
    const tokens = '9007199254740991';
    const most = { input_tokens: tokens, cached_tokens: tokens, output_tokens: tokens };
    const records = [
      { model: name, ...Object.fromEntries(names.map((field) => [field, name])) },
      usage({ ...most, reasoning_tokens: tokens, duration_ms: 0, cost_usd: 0 }),
    ];
    const { body } = await postJson(`${baseUrl}/v1/telemetry/batch`, { events, usage: records });
    expect(body).toMatchObject({ events: 4, usage: 2, rejections: [] });
    expect(await database.count('select max(prompt_tokens) from usage_stats')).toBe(Number(tokens));
  });
});
