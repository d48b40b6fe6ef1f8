import { once } from 'node:events';
import http from 'node:http';
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
import { envelope } from '../support/raw-call.ts';

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

  /** A larger request than the buffers on its way hold together, and one that they do hold. */
  it.each([150_000, 4_000_000])(
    'leave an HTTP/1.1 connection to the next, %d bytes',
    async (bytes) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const ports = new Set<number | undefined>();
      const post = async (path: string, contentType: string, body: Buffer) => {
        const headers = { 'content-type': contentType };
        const request = http.request(telemetry.baseUrl, { agent, method: 'POST', path, headers });
        request.once('socket', (socket) => ports.add(socket.localPort));
        request.end(body);
        const [response] = await once(request, 'response');
        response.resume();
        await once(response, 'end');
        return response.statusCode;
      };
      const rest = '/v1/telemetry/log';
      const rpc = '/gravitas.telemetry.v1.IngestService';
      const large = Buffer.alloc(bytes, '1');
      const framed = envelope(large);
      for (const [path, contentType, body] of [
        [rest, 'application/json', large],
        [rest, 'text/plain', large],
        [`${rpc}/Log`, 'application/proto', large],
        [`${rpc}/LogBatch`, 'application/grpc-web+proto', framed],
        [`${rpc}/StreamEvents`, 'application/connect+json', framed],
        ['/nothing', 'application/json', large],
      ] as const) {
        await post(path, contentType, body);
        const small = Buffer.from('{"event_type": "SMALL"}');
        expect(await post(rest, 'application/json', small), `${path} ${contentType}`).toBe(200);
      }
      expect(ports.size).toBe(1);
      agent.destroy();
    },
  );

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
