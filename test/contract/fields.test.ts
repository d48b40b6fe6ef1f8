import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  LogRequestSchema,
  LogUsageRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { readJsonBatch } from '../../src/accept/read-json.ts';
import { type Field, isSent, recordFields } from '../../src/records/fields.ts';
import type { RecordKind } from '../../src/records/tables.ts';
import { encodeOptions } from '../records/generators.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';

const kinds = {
  event: { list: 'events', path: 'events', record: EventSchema, flat: LogRequestSchema },
  usage: { list: 'usage', path: 'usage/records', record: UsageSchema, flat: LogUsageRequestSchema },
} as const;

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

/** Something that the field may hold. */
function sampleOf({ name, type }: Field): unknown {
  if (type === 'time') return new Date().toISOString().replace('Z', '000+00:00');
  if (type === 'metadata') return { a: 1 };
  if (type === 'id') return '01a20a68-3aea-4933-b80c-a41700000001';
  // Parts are no more than their wholes.
  return type === 'text' ? name : 1;
}

describe.each(Object.keys(kinds) as RecordKind[])('each field of a record of %s', (kind) => {
  const { list, path, record, flat } = kinds[kind];
  const fields = recordFields[kind].filter(isSent);
  const full = Object.fromEntries(fields.map((field) => [field.name, sampleOf(field)]));

  it('is in the contract, flat too', () => {
    const namesOf = (schema: typeof record | typeof flat) => schema.fields.map(({ name }) => name);
    expect(namesOf(record).toSorted()).toEqual(fields.map(({ name }) => name).toSorted());
    const own = namesOf(record).filter((name) => name !== 'id');
    expect(namesOf(flat).toSorted()).toEqual([...own, 'idempotency_key'].toSorted());
  });

  it('is stored, and told in lists', async () => {
    const { baseUrl } = telemetry;
    const sent = await postJson(`${baseUrl}/v1/telemetry/batch`, { [list]: [full] });
    expect(sent.body).toMatchObject({ [list]: 1, rejected: 0 });
    const { body } = await getJson(`${baseUrl}/v1/telemetry/${path}`);
    expect(body).toMatchObject([full]);
  });

  it('tells batches from each other', () => {
    const fingerprintOf = (changed: object) => {
      const text = JSON.stringify({ [list]: [{ ...full, ...changed }] });
      const batch = readJsonBatch(Buffer.from(text), { rowsMax: 1, mayBeEmpty: false });
      return Buffer.from(encodeBatch(batch, encodeOptions).fingerprint).toString('hex');
    };
    // Not by what is the collector's to give, nor by metadata, whose forms are many.
    const telling = fields.filter(({ type }) => type !== 'id' && type !== 'metadata');
    const blind = telling.filter(({ name, type }) => {
      const other = type === 'text' ? 'another' : type === 'time' ? '2026-01-01T00:00:00Z' : 2;
      return fingerprintOf({ [name]: other }) === fingerprintOf({});
    });
    expect(blind.map(({ name }) => name)).toEqual([]);
  });
});
