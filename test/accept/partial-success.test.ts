import { create, fromBinary, fromJson, fromJsonString, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BinaryBatchSchema } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type LogBatchResponse,
  LogBatchResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';

const good = (index: number) => `{"event_type": "MANY", "value": ${index}}`;

/** Bad events as JSON text, by their place among 1,000. */
const badJson: Record<number, { text: string; field: string; reason: RegExp }> = {
  0: { text: '{"component": "L1"}', field: 'event_type', reason: /^is required$/ },
  1: { text: '{"event_type": "X", "id": "7"}', field: 'id', reason: /^is not a UUID$/ },
  250: { text: '42', field: '', reason: /^is not a JSON object$/ },
  500: { text: '{"event_type": "X", "value": 1e400}', field: 'value', reason: /finite/ },
  501: { text: '{"event_type": "X", "value": "high"}', field: 'value', reason: /"high"/ },
  998: {
    text: '{"event_type": "X", "timestamp": "2001-02-03T04:05:06Z"}',
    field: 'timestamp',
    reason: /^is older than 30 days$/,
  },
  999: {
    text: `{"event_type": "X", "status": "${'x'.repeat(65)}"}`,
    field: 'status',
    reason: /^is 65 characters long/,
  },
};

/** The same by protobuf, where other things can be wrong. */
const badBinary: Record<number, { bytes: Uint8Array; field: string; reason: RegExp }> = {
  ...Object.fromEntries(
    [0, 1, 998, 999].map((index) => {
      const { text, field, reason } = badJson[index] as (typeof badJson)[number];
      return [
        index,
        { bytes: toBinary(EventSchema, fromJsonString(EventSchema, text)), field, reason },
      ];
    }),
  ),
  // A string of 100 bytes that ends after one.
  250: { bytes: Uint8Array.of(0x0a, 100, 0x58), field: '', reason: /^malformed protobuf: / },
  // No message at all: an empty one lacks what is required.
  500: { bytes: new Uint8Array(), field: 'event_type', reason: /^is required$/ },
  501: {
    bytes: toBinary(EventSchema, create(EventSchema, { eventType: 'X', value: Number.NaN })),
    field: 'value',
    reason: /^is NaN, not a finite number$/,
  },
};

describe('a batch of 1,000 with 7 bad events', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const indexes = Array.from({ length: 1000 }, (_, index) => index);

  it('by JSON: 993 rows and 7 reasons', async () => {
    const events = indexes.map((index) => badJson[index]?.text ?? good(index));
    const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"events": [${events}]}`,
    });
    expect(response.status).toBe(200);
    const answer = fromJsonString(LogBatchResponseSchema, await response.text());
    await expectAllButSeven(answer, badJson);
  });

  it('by protobuf: 993 rows and 7 reasons', async () => {
    const events = indexes.map(
      (index) =>
        badBinary[index]?.bytes ??
        toBinary(EventSchema, fromJson(EventSchema, JSON.parse(good(index)))),
    );
    const path = '/gravitas.telemetry.v1.IngestService/LogBatch';
    const response = await fetch(telemetry.baseUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/proto' },
      body: toBinary(BinaryBatchSchema, create(BinaryBatchSchema, { events })),
    });
    expect(response.status).toBe(200);
    const answer = fromBinary(LogBatchResponseSchema, new Uint8Array(await response.arrayBuffer()));
    await expectAllButSeven(answer, badBinary);
  });

  async function expectAllButSeven(
    answer: LogBatchResponse,
    bad: Record<number, { field: string; reason: RegExp }>,
  ): Promise<void> {
    expect(answer).toMatchObject({ events: 993, rejected: 7 });
    expect(answer.rejections).toMatchObject(
      Object.entries(bad).map(([index, { field, reason }]) => ({
        index: Number(index),
        field,
        reason: expect.stringMatching(reason),
      })),
    );
    const rows = await telemetry.database.rows<{ value: number }>(
      'delete from system_telemetry returning value',
    );
    const stored = rows.map((row) => row.value).sort((a, b) => a - b);
    expect(stored).toEqual(indexes.filter((index) => !(index in bad)));
  }
});
