import http2 from 'node:http2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { openCall, readAnswer } from '../support/raw-call.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

/** A field that says it is five bytes long, and ends after one. */
const truncated = Uint8Array.of(0x0a, 5, 1);
const enveloped = Uint8Array.of(0, 0, 0, 0, truncated.length, ...truncated);

const unary = ['Log', 'LogUsage', 'LogBatch'];
const all = [...unary, 'StreamEvents', 'StreamBatches'];
const path = (method: string) => `/gravitas.telemetry.v1.IngestService/${method}`;

it.each(unary)('answers a malformed %s of Connect with 400', async (method) => {
  const response = await post(method, 'application/proto', truncated);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('parse binary'),
  });
});

// Not StreamBatches: both directions at once need HTTP/2.
it.each([...unary, 'StreamEvents'])(
  'answers a malformed %s of gRPC-Web with INVALID_ARGUMENT',
  async (method) => {
    const response = await post(method, 'application/grpc-web+proto', enveloped);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/grpc-status: +3\r\n/);
  },
);

it.each(all)('answers a malformed %s of gRPC with INVALID_ARGUMENT', async (method) => {
  const session = http2.connect(telemetry.baseUrl);
  const call = openCall(session, path(method), { 'content-type': 'application/grpc+proto' });
  call.end(enveloped);
  expect(await readAnswer(call)).toMatchObject({ grpcStatus: '3' });
  session.close();
});

function post(
  method: string,
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const headers = { 'content-type': contentType };
  return fetch(telemetry.baseUrl + path(method), { method: 'POST', headers, body });
}
