import type { JsonValue } from '@bufbuild/protobuf';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Event, Usage } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { copyRows } from '../../src/commit/copy.ts';
import { recordKinds, tables } from '../../src/records/tables.ts';
import { RecordIds, uuidBytes, uuidText } from '../../src/uuid.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { encodeOptions, event, storedJson, storedText, usage } from './generators.ts';

const seed = 20_260_101;
const nowMs = Date.UTC(2026, 0, 1, 12, 0, 0, 123);
const nowUs = nowMs * 1000;

describe('rows that are encoded and loaded by COPY', () => {
  let database: TestDatabase;
  let client: pg.PoolClient;
  beforeAll(async () => {
    database = await createDatabase();
    client = await database.pool.connect();
  });
  afterAll(async () => {
    client.release();
    await database.drop();
  });

  it('give back events exactly as they were put in', async () => {
    const property = fc.asyncProperty(several(event), async (events) => {
      const rows = await load({ events, usage: [] });
      expect(rows.event).toEqual(byId(events.map(expectedEvent)));
    });
    await fc.assert(property, { seed, numRuns: 25 });
  });

  it('give back usage records exactly as they were put in', async () => {
    const property = fc.asyncProperty(several(usage), async (records) => {
      const rows = await load({ events: [], usage: records });
      expect(rows.usage).toEqual(byId(records.map(expectedUsage)));
    });
    await fc.assert(property, { seed, numRuns: 25 });
  });

  it('lie in both tables when a batch has both kinds', async () => {
    const property = fc.asyncProperty(event, usage, async (one, other) => {
      const rows = await load({ events: [one], usage: [other] });
      expect(rows.event).toEqual(byId([expectedEvent(one, 0)]));
      expect(rows.usage).toEqual(byId([expectedUsage(other, 0)]));
    });
    await fc.assert(property, { seed, numRuns: 5 });
  });

  /** Loads a batch in a transaction that is taken back, and reads what is there then. */
  async function load(records: { events: Event[]; usage: Usage[] }) {
    const batch = encodeBatch({ batchId, ...records }, encodeOptions, 'batch_id', nowMs);
    expect(batch.answer.rejections).toEqual([]);
    await client.query('begin');
    try {
      const loaded: Record<string, Map<unknown, Row>> = {};
      for (const kind of recordKinds) {
        await copyRows(client, [{ table: tables[kind], rows: [batch.rows[kind].copy] }]);
        loaded[kind] = await read(tables[kind].name);
        expect(batch.rows[kind].count).toBe(loaded[kind].size);
      }
      return loaded;
    } finally {
      await client.query('rollback');
    }
  }

  /** All rows by id; times in microseconds. */
  async function read(table: string): Promise<Map<unknown, Row>> {
    const { rows } = await client.query<Row>(
      `select *, (extract(epoch from "timestamp") * 1000000)::bigint as "timestamp",
        (extract(epoch from observed_at) * 1000000)::bigint as observed_at
      from ${table}`,
    );
    return byId(rows);
  }
});

const batchId = '019b7b0f-4a7b-7000-8000-000000000001';

type Row = Record<string, unknown>;

const byId = (rows: readonly Row[]) => new Map(rows.map((row) => [row.id, row]));

/** Records whose ids differ where they have one. */
const several = <R extends { readonly id: string }>(record: fc.Arbitrary<R>) =>
  fc.uniqueArray(record, { maxLength: 30, selector: ({ id }) => id || Symbol() });

const orNull = (value: string) => (value === '' ? null : storedText(value));

function expectedTime(timestamp: Event['timestamp']): string {
  if (!timestamp) return String(nowUs);
  return String(timestamp.seconds * 1_000_000n + BigInt(Math.floor(timestamp.nanos / 1000)));
}

function expectedStart(kind: 'event' | 'usage', record: Event | Usage, index: number): Row {
  return {
    id: record.id || uuidText(new RecordIds(uuidBytes(batchId), kind).at(index)),
    timestamp: expectedTime(record.timestamp),
    observed_at: String(nowUs),
    metadata: (record.metadata && storedJson(record.metadata as JsonValue)) ?? null,
  };
}

function expectedEvent(record: Event, index: number): Row {
  return {
    ...expectedStart('event', record, index),
    event_type: storedText(record.eventType),
    component: orNull(record.component),
    value: record.value ?? null,
    status: orNull(record.status),
    rolled: true,
  };
}

function expectedUsage(record: Usage, index: number): Row {
  return {
    ...expectedStart('usage', record, index),
    model: storedText(record.model),
    layer: orNull(record.layer),
    provider: orNull(record.provider),
    operation: orNull(record.operation),
    prompt_tokens: String(record.inputTokens),
    completion_tokens: String(record.outputTokens),
    cached_tokens: String(record.cachedTokens),
    reasoning_tokens: String(record.reasoningTokens),
    duration_ms: record.durationMs ?? null,
    cost_usd: expect.toSatisfy(
      (text) => (text === null ? undefined : Number(text)) === record.costUsd,
    ),
    ghost_id: orNull(record.ghostId),
    shell_id: orNull(record.shellId),
    cache_write_tokens: String(record.cacheWriteTokens),
    cache_write_1h_tokens: String(record.cacheWrite1hTokens),
    session_id: orNull(record.sessionId),
    response_id: orNull(record.responseId),
    request_id: orNull(record.requestId),
    agent: orNull(record.agent),
    user_id: orNull(record.userId),
    team: orNull(record.team),
    project: orNull(record.project),
    trace_id: orNull(record.traceId),
    span_id: orNull(record.spanId),
    time_to_first_token_ms: record.timeToFirstTokenMs ?? null,
    status: orNull(record.status),
    error_type: orNull(record.errorType),
    service_tier: orNull(record.serviceTier),
    cost_source: record.costUsd === undefined ? null : orNull(record.costSource || 'client'),
    usage_rule: orNull(record.usageRule || 'contract'),
    ambiguous: isAmbiguous(record) || null,
    rolled: true,
    // Only services of the second generation write these.
    model_name: null,
    tokens_input: null,
    tokens_output: null,
  };
}

const isAmbiguous = (record: Usage): boolean =>
  record.cachedTokens + record.cacheWriteTokens > record.inputTokens ||
  record.cacheWrite1hTokens > record.cacheWriteTokens ||
  record.reasoningTokens > record.outputTokens;
