/**
 * Stores an event, usage and a stream of batches with the generated stubs, and asks for the events.
 * Run as: npx node examples/typescript/main.ts [base URL]
 */
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';

const baseUrl = process.argv[2] ?? 'http://localhost:8002';
const transport = createGrpcTransport({ baseUrl, defaultTimeoutMs: 5000 });
const ingest = createClient(IngestService, transport);
const query = createClient(QueryService, transport);

const check = await ingest.log({
  eventType: 'VRAM_CHECK',
  component: 'typescript',
  value: 12.5,
  metadata: { gpu_id: 0, used_vram_gb: 11.5 },
  status: 'OK',
  // Sent again, it makes a repetition harmless.
  idempotencyKey: uuidv7(),
});
console.log('event', check.id);

const usage = await ingest.logUsage({
  model: 'llama-3-8b',
  layer: 'L1',
  inputTokens: 512n,
  outputTokens: 128n,
  durationMs: 840.5,
  idempotencyKey: uuidv7(),
});
console.log('usage', usage.id);

async function* batches() {
  for (let step = 0; step < 3; step++) {
    const metadata = { step };
    const value = 1 / (step + 1);
    const event = { eventType: 'TRAINING_LOSS', component: 'typescript', value, metadata };
    yield { batchId: uuidv7(), events: [event] };
  }
}

for await (const { ack, error } of ingest.streamBatches(batches())) {
  if (error) throw new Error(`batch ${error.batchId} is not stored: ${error.message}`);
  console.log('batch', ack?.batchId, 'events', ack?.events);
}

const { events } = await query.listEvents({ component: 'typescript', hours: 1 });
for (const { timestamp, eventType, value } of events) {
  console.log(timestamp && timestampDate(timestamp).toISOString(), eventType, value);
}
