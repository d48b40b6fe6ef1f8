import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { patient } from '../support/patient.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';

let database: TestDatabase;
let collector: CollectorProcess;
beforeAll(async () => {
  database = await createDatabase();
  await database.rows('alter table system_telemetry add constraint small check (value < 100)');
  await database.rows(`alter table usage_stats add constraint known check (model <> 'unknown')`);
  collector = await spawnCollector({ DATABASE_URL: database.url, ...patient });
});
afterAll(async () => {
  await collector.end('SIGTERM');
  await database.drop();
});

const client = () =>
  createClient(IngestService, createGrpcTransport({ baseUrl: collector.baseUrl }));
const post = (path: string, body: object) =>
  postJson(`${collector.baseUrl}/v1/telemetry/${path}`, body);
const notStored = 'not stored: the database does not take it, and it is kept as a dead letter';

it('is not told that it is stored: a single record that becomes a dead letter', async () => {
  const event = { event_type: 'SIZED', value: 200, idempotency_key: uuidv7() };
  // The same when it is sent again.
  for (const duplicate of [false, true]) {
    expect((await post('log', event)).body).toMatchObject({
      success: true,
      message: `event ${notStored}`,
      durability: 'DURABILITY_COMMITTED',
      duplicate,
    });
  }
  expect((await post('usage', { model: 'unknown' })).body.message).toBe(
    `usage record ${notStored}`,
  );
  expect(await client().log({ eventType: 'SIZED', value: 300 })).toMatchObject({
    message: `event ${notStored}`,
  });
  expect((await post('log', { ...event, value: 1, idempotency_key: uuidv7() })).body.message).toBe(
    'event stored',
  );
  const warnings = collector.logs.filter((line) => line.includes('kept as dead letters'));
  expect(warnings).toHaveLength(3);
  expect(imbalance(await accountOf(collector.baseUrl))).toBe(0);
});

it('is counted apart from what is stored: a record of a batch', async () => {
  const events = [1, 200, 3].map((value) => ({ event_type: 'SIZED', value }));
  const usage = [{ model: 'unknown' }, { model: 'm' }];
  const batch = { batch_id: uuidv7(), events, usage };
  const counts = { events: 2, usage: 1, rejected: 0, dead_lettered: 2 };
  for (const duplicate of [false, true]) {
    expect((await post('batch', batch)).body).toMatchObject({ ...counts, duplicate });
  }
  const sized = (value: number) => ({ events: [{ eventType: 'SIZED', value }] });
  async function* batches() {
    yield sized(1);
    yield sized(200);
  }
  const acks = [];
  for await (const { ack } of client().streamBatches(batches())) acks.push(ack);
  expect(acks).toMatchObject([
    { events: 1, deadLettered: 0 },
    { events: 0, deadLettered: 1 },
  ]);
  expect(await client().streamEvents(batches())).toMatchObject({ events: 1n, deadLettered: 1n });
});
