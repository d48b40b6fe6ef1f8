import { once } from 'node:events';
import http2 from 'node:http2';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StreamBatchesRequestSchema } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { envelope, ingestPath, openCall } from '../support/raw-call.ts';

const batchesOfWarmUp = 20;
const batchesMeasured = 150;

let telemetry: TestCollector;
let collectGarbage: () => void;
beforeAll(async () => {
  telemetry = await startCollector();
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc');
});
afterAll(() => telemetry.stop());

const batch = create(StreamBatchesRequestSchema, {
  events: [1, 2, 3, 4].map((value) => ({
    eventType: 'LONG_STREAM',
    value,
    metadata: { text: 'x'.repeat(60_000) },
  })),
});
const binary = envelope(toBinary(StreamBatchesRequestSchema, batch));
const json = envelope(Buffer.from(toJsonString(StreamBatchesRequestSchema, batch)));

/** What is still reachable; the rest has been collected. */
function liveBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it.each([
  ['gRPC', 'application/grpc+proto', {}, binary],
  ['gRPC that names an encoding', 'application/grpc+proto', { 'grpc-encoding': 'gzip' }, binary],
  ['Connect', 'application/connect+proto', {}, binary],
  ['Connect with JSON', 'application/connect+json', {}, json],
])('a stream keeps nothing of what is acknowledged: %s', async (_, type, headers, message) => {
  const session = http2.connect(telemetry.baseUrl);
  const stream = openCall(session, ingestPath('StreamBatches'), {
    'content-type': type,
    ...headers,
  });
  const deliver = async (batches: number) => {
    for (let sent = 0; sent < batches; sent++) {
      stream.write(message);
      await once(stream, 'data');
    }
  };
  await deliver(batchesOfWarmUp);
  const before = liveBytes();
  await deliver(batchesMeasured);
  // A stream that keeps what it receives keeps all of it; some is on its way whenever one looks, and
  // what buffers held is given back by a thread of its own, which a busy machine lets wait.
  await expect
    .poll(() => liveBytes() - before, { timeout: 10_000 })
    .toBeLessThan((batchesMeasured * message.byteLength) / 2);
  stream.end();
  await once(stream, 'close');
  session.destroy();
});
