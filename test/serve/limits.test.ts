import { gzipSync } from 'node:zlib';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';

const messageBytesMax = 100_000;

describe('a message that is too large', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector({
      TELEMETRY_MESSAGE_BYTES_MAX: String(messageBytesMax),
      TELEMETRY_BATCH_ROWS_MAX: '100',
    });
  });
  afterAll(() => telemetry.stop());

  /** Compresses well: far below the limit when it has been. */
  const events = Array.from({ length: 3 }, () => ({
    eventType: 'LARGE',
    metadata: { text: 'x'.repeat(messageBytesMax / 2) },
  }));
  const tooLarge = {
    code: Code.ResourceExhausted,
    rawMessage: expect.stringContaining(String(messageBytesMax)),
  };

  it.each(['identity', 'gzip'])(
    'by the REST name, %s, is refused with the limit',
    async (encoding) => {
      const body = JSON.stringify({ events });
      const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        body: encoding === 'gzip' ? gzipSync(body) : body,
      });
      expect(response.status).toBe(429);
      // Nothing to try again for.
      expect(response.headers.get('retry-after')).toBeNull();
      expect(await response.json()).toMatchObject({
        code: 'resource_exhausted',
        message: tooLarge.rawMessage,
      });
    },
  );

  const compressions = { identity: {}, gzip: { sendCompression: compressionGzip } };
  describe.each(['identity', 'gzip'] as const)('%s', (encoding) => {
    it.each(['gRPC', 'Connect'])('by %s is refused with the limit', async (protocol) => {
      const { baseUrl } = telemetry;
      const options = { baseUrl, ...compressions[encoding] };
      const transport =
        protocol === 'gRPC'
          ? createGrpcTransport(options)
          : createConnectTransport({ ...options, httpVersion: '2', useBinaryFormat: true });
      const ingest = createClient(IngestService, transport);
      const small = { events: [{ eventType: 'SMALL' }] };
      async function* batches() {
        yield small;
        yield { events };
      }
      const failures = [
        await ingest.logBatch({ events }).catch(ConnectError.from),
        await ingest.streamEvents(batches()).catch(ConnectError.from),
      ];
      expect(failures).toMatchObject([tooLarge, tooLarge]);
      expect(await ingest.logBatch(small)).toMatchObject({ events: 1 });
    });
  });

  it('in records is refused with the limit', async () => {
    const many = Array.from({ length: 101 }, () => ({ event_type: 'MANY' }));
    const answer = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, { events: many });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        message: 'the batch has 101 records; at most 100 are allowed: send several batches',
        details: [{ type: 'google.rpc.BadRequest' }, { type: 'google.rpc.RequestInfo' }],
      },
    });
  });

  it('leaves nothing behind', async () => {
    const count = "select count(*) from system_telemetry where event_type <> 'SMALL'";
    expect(await telemetry.database.count(count)).toBe(0);
  });

  it('is taken compressed when it is within the limit', async () => {
    const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(JSON.stringify({ events: events.slice(0, 1) })),
    });
    expect(await response.json()).toMatchObject({ events: 1 });
  });
});
