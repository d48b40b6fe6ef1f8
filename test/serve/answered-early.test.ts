import { once } from 'node:events';
import http2 from 'node:http2';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';

/** More than the streams that one HTTP/2 connection may have at a time. */
const calls = 300;

describe('calls that are refused before they are read to the end', () => {
  let telemetry: TestCollector;
  beforeEach(async () => {
    telemetry = await startCollector({ TELEMETRY_MESSAGE_BYTES_MAX: '1024' });
  });
  afterEach(() => telemetry.stop());

  const events = [{ eventType: 'LARGE', metadata: { text: 'x'.repeat(150_000) } }];

  it.each(['gRPC', 'Connect'])('do not use up their connection, by %s', async (protocol) => {
    const { baseUrl } = telemetry;
    const sessionManager = new Http2SessionManager(baseUrl);
    const transport =
      protocol === 'gRPC'
        ? createGrpcTransport({ baseUrl, sessionManager })
        : createConnectTransport({ baseUrl, sessionManager, httpVersion: '2' });
    const ingest = createClient(IngestService, transport);
    async function* batches() {
      yield { events };
    }
    for (let call = 0; call < calls; call++) {
      const refused = call % 2 === 0 ? ingest.logBatch({ events }) : ingest.streamEvents(batches());
      const { code } = await refused.then(() => expect.unreachable(), ConnectError.from);
      expect(code).toBe(Code.ResourceExhausted);
    }
    expect(await ingest.log({ eventType: 'SMALL' })).toMatchObject({ success: true });
    sessionManager.abort();
  });

  it('do not use up their connection, by the REST names', async () => {
    const session = http2.connect(telemetry.baseUrl);
    const post = async (contentType: string, body: string) => {
      const request = session.request({
        ':method': 'POST',
        ':path': '/v1/telemetry/log',
        'content-type': contentType,
      });
      request.end(body);
      const [headers] = await once(request, 'response');
      request.resume();
      await once(request, 'end');
      return headers[':status'];
    };
    for (let call = 0; call < calls; call++) {
      expect(await post('text/plain', 'x'.repeat(150_000))).toBe(415);
    }
    expect(await post('application/json', '{"event_type": "SMALL"}')).toBe(200);
    session.destroy();
  });
});
