import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { holdTable } from '../support/database.ts';
import { postJson } from '../support/http.ts';

let telemetry: TestCollector;
beforeEach(async () => {
  telemetry = await startCollector({
    TELEMETRY_BUFFER_BYTES_MAX: String(1024 * 1024),
    // What is stuck is to stay in its lane, and not to escape to the spool.
    TELEMETRY_COMMIT_MS_MAX: '60000',
    TELEMETRY_STREAM_COMMIT_MS_MAX: '60000',
  });
});
afterEach(() => telemetry.stop());

it('answers unary requests while streams have filled their lane and its writers are stuck', async () => {
  const { rows } = telemetry.database;
  // Writers of streamed usage wait for this lock; events go to another table.
  const blocker = new pg.Client({ connectionString: telemetry.database.url });
  await blocker.connect();
  await holdTable(blocker, 'usage_stats in share mode');
  const client = createClient(IngestService, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
  const batches = Array.from({ length: 40 }, () => ({
    batchId: uuidv7(),
    usage: Array.from({ length: 200 }, () => ({ model: 'm'.repeat(200) })),
  }));
  const stream = collect(client.streamBatches(generate(batches)));
  const waiting = `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%copy %"usage_stats"%'`;
  while ((await telemetry.database.count(waiting)) < 2) {
    // The streams' writers are not stuck yet.
  }
  for (let round = 0; round < 20; round++) {
    const { status } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, {
      event_type: 'URGENT',
    });
    expect(status).toBe(200);
  }
  expect(await telemetry.database.count('select count(*) from usage_stats')).toBe(0);
  await blocker.end();
  expect(await stream).toBe(batches.length);
  expect(await rows('select count(*)::int as count from usage_stats')).toEqual([{ count: 8000 }]);
});

async function collect(responses: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of responses) count += 1;
  return count;
}

async function* generate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
