import { create, toBinary } from '@bufbuild/protobuf';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  LogRequestSchema,
  StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { envelope, ingestPath } from '../support/raw-call.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const logOf = (component: string) =>
  envelope(toBinary(LogRequestSchema, create(LogRequestSchema, { eventType: 'TEXT', component })));

async function post(method: string, body: string, contentType = 'application/grpc-web-text') {
  const answer = await fetch(telemetry.baseUrl + ingestPath(method), {
    method: 'POST',
    headers: { 'content-type': contentType, 'x-grpc-web': '1' },
    body,
  });
  // Each piece is padded for itself.
  const pieces = (await answer.text()).match(/[^=]+={0,2}/g) ?? [];
  const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')));
  return { status: answer.status, contentType: answer.headers.get('content-type'), bytes };
}

const stored = (component: string) =>
  telemetry.database.count(
    `select count(*) from system_telemetry where component = '${component}'`,
  );

describe('gRPC-Web as text', () => {
  it.each(['application/grpc-web-text', 'application/grpc-web-text+proto'])(
    'is answered alike: %s',
    async (type) => {
      const { status, contentType, bytes } = await post(
        'Log',
        logOf(type).toString('base64'),
        type,
      );
      expect([status, contentType]).toEqual([200, type]);
      expect(bytes.toString('latin1')).toMatch(/grpc-status: ?0\r\n/);
      expect(await stored(type)).toBe(1);
    },
  );

  it('is read in pieces that are padded where they end', async () => {
    const bytes = logOf('pieces');
    const body = [bytes.subarray(0, 4), bytes.subarray(4, 9), bytes.subarray(9)]
      .map((piece) => piece.toString('base64'))
      .join('');
    await post('Log', body);
    expect(await stored('pieces')).toBe(1);
  });

  it('carries streams', async () => {
    const batch = () =>
      envelope(
        toBinary(
          StreamBatchesRequestSchema,
          create(StreamBatchesRequestSchema, {
            batchId: uuidv7(),
            events: [{ eventType: 'TEXT', component: 'streamed' }],
          }),
        ),
      );
    const { bytes } = await post(
      'StreamEvents',
      Buffer.concat([batch(), batch()]).toString('base64'),
    );
    expect(bytes.toString('latin1')).toMatch(/grpc-status: ?0\r\n/);
    expect(await stored('streamed')).toBe(2);
  });

  it('is told of errors as text', async () => {
    const invalid = await post('Log', envelope(Buffer.alloc(0)).toString('base64'));
    expect(invalid.bytes.toString('latin1')).toMatch(/grpc-status: ?3\r\n/);
    const unknown = await post('Nothing', 'AAAAAAA=');
    expect(unknown.bytes.toString('latin1')).toMatch(/grpc-status: ?12\r\n/);
  });

  it.each(['AAAAA', 'AA=A', '!!!!', 'AAAA\u0000'])(
    'refuses what is no base64: %j',
    async (body) => {
      const { bytes } = await post('Log', body);
      expect(bytes.toString('latin1')).toMatch(/grpc-status: ?3\r\n/);
      expect(bytes.toString('latin1')).toContain('base64');
    },
  );
});
