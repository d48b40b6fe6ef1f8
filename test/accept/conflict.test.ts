import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BadRequestSchema } from '../../gen/typescript/google/rpc/error_details_pb.js';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

type Client = ReturnType<typeof createClient<typeof IngestService>>;
type Send = (client: Client, id: string, value: number) => Promise<unknown>;

const event = (value: number) => ({ eventType: 'CONFLICT', value });
async function* one<T>(message: T) {
  yield message;
}
const methods: Record<string, readonly [string, Send]> = {
  Log: [
    'idempotency_key',
    (client, idempotencyKey, value) => client.log({ ...event(value), idempotencyKey }),
  ],
  LogUsage: [
    'idempotency_key',
    (client, idempotencyKey, value) =>
      client.logUsage({ model: 'm', durationMs: value, idempotencyKey }),
  ],
  LogBatch: [
    'batch_id',
    (client, batchId, value) => client.logBatch({ batchId, events: [event(value)] }),
  ],
  StreamEvents: [
    'batch_id',
    (client, batchId, value) => client.streamEvents(one({ batchId, events: [event(value)] })),
  ],
};

/** By gRPC in protobuf, and by Connect in JSON: they are read by different handlers. */
const transports = {
  gRPC: () => createGrpcTransport({ baseUrl: telemetry.baseUrl }),
  JSON: () =>
    createConnectTransport({
      baseUrl: telemetry.baseUrl,
      httpVersion: '2',
      useBinaryFormat: false,
    }),
};

describe.each(Object.entries(transports))(
  'other content under a known id, by %s',
  (_, transport) => {
    const client = () => createClient(IngestService, transport());

    it.each(Object.entries(methods))('names the field of %s', async (_, [field, send]) => {
      const id = uuidv7();
      await send(client(), id, 1);
      const error = ConnectError.from(await send(client(), id, 2).catch((reason) => reason));
      const description = `${field} ${id} was used before, with other content`;
      expect(error).toMatchObject({ code: Code.AlreadyExists, rawMessage: description });
      expect(error.findDetails(BadRequestSchema)).toMatchObject([
        { fieldViolations: [{ field, description }] },
      ]);
      expect(error.metadata.get('retry-after')).toBeNull();
    });

    it('names the field of StreamBatches, and the stream goes on', async () => {
      const batchId = uuidv7();
      async function* batches() {
        yield { batchId, events: [event(1)] };
        yield { batchId, events: [event(2)] };
        yield { events: [event(3)] };
      }
      const answers = [];
      for await (const answer of client().streamBatches(batches())) answers.push(answer);
      expect(answers).toMatchObject([
        { ack: { batchId } },
        {
          error: {
            batchId,
            code: Code.AlreadyExists,
            message: `batch_id ${batchId} was used before, with other content`,
          },
        },
        { ack: { events: 1 } },
      ]);
      expect(answers[1]?.error?.retryDelay).toBeUndefined();
    });
  },
);

it('names the field of a plain post', async () => {
  const log = (value: number, idempotency_key: string) =>
    postJson(`${telemetry.baseUrl}/v1/telemetry/log`, {
      event_type: 'CONFLICT',
      value,
      idempotency_key,
    });
  const id = uuidv7();
  await log(1, id);
  expect(await log(2, id)).toMatchObject({
    status: 409,
    body: {
      code: 'already_exists',
      message: `idempotency_key ${id} was used before, with other content`,
      // What is in it, the test by JSON has seen.
      details: [{ type: 'google.rpc.BadRequest' }, { type: 'google.rpc.RequestInfo' }],
    },
  });
});
