import { create, toBinary } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { RetryInfoSchema } from '../gen/google/rpc/error_details_pb.js';
import { Telemetry, type TelemetryOptions } from '../src/index.ts';
import { type ScriptedAnswer, startScriptedServer } from './support/servers.ts';

/** Clause 3: what goes out, and what each answer means. */
let directory: ReturnType<typeof temporaryDirectory>;
let cleanups: (() => Promise<unknown>)[];
beforeEach(() => {
  directory = temporaryDirectory();
  cleanups = [];
});
afterEach(async () => {
  for (const cleanup of cleanups) await cleanup();
  directory.remove();
});

const acknowledged: ScriptedAnswer = { status: 200 };
const failure = (status: number, code: string, more: object = {}): ScriptedAnswer => ({
  status,
  body: JSON.stringify({ code, message: 'as scripted', ...more }),
});
const retryInfo = (delayMs: number) => {
  const value = create(RetryInfoSchema, { retryDelay: durationFromMs(delayMs) });
  const details = [
    { type: RetryInfoSchema.typeName, value: base64Encode(toBinary(RetryInfoSchema, value)) },
  ];
  return { details };
};

async function start(answers: ScriptedAnswer[], options: TelemetryOptions = {}) {
  const server = await startScriptedServer(answers);
  const telemetry = new Telemetry({
    url: server.url,
    spoolDirectory: directory.path,
    logger: { info: () => {}, warn: () => {} },
    ...options,
  });
  cleanups.push(() => telemetry.close(), server.stop);
  return { server, telemetry };
}

it('3.1 is protobuf by Connect, with headers and token, compressed where that is worth it', async () => {
  const { server, telemetry } = await start([acknowledged], {
    token: 'secret',
    headers: { 'x-own': 'yes' },
  });
  telemetry.log('SMALL');
  await telemetry.flush();
  telemetry.log('LARGE', { metadata: { text: 'x'.repeat(2000) } });
  await telemetry.flush();
  const [small, large] = server.requests;
  expect(small?.url).toBe('/gravitas.telemetry.v1.IngestService/LogBatch');
  expect(small?.headers).toMatchObject({
    'content-type': 'application/proto',
    'connect-protocol-version': '1',
    authorization: 'Bearer secret',
    'x-own': 'yes',
  });
  expect(small?.headers).not.toHaveProperty('content-encoding');
  expect(large?.headers['content-encoding']).toBe('gzip');
  expect(server.batches[1]?.events[0]?.metadata).toEqual({ text: 'x'.repeat(2000) });
});

describe('3.2 an answer', () => {
  it.each<[ScriptedAnswer, string]>([
    [failure(409, 'already_exists'), 'conflict'],
    [failure(400, 'invalid_argument'), 'refused'],
    [failure(400, 'failed_precondition'), 'refused'],
    [failure(400, 'out_of_range'), 'refused'],
  ])('%j drops the batch', async (answer, reason) => {
    const { server, telemetry } = await start([answer]);
    telemetry.log('A');
    telemetry.log('B');
    expect(await telemetry.flush()).toMatchObject({ complete: true });
    expect(telemetry.counters()).toMatchObject({ delivered: 0, dropped: { [reason]: 2 } });
    expect(server.batches).toHaveLength(1);
  });

  it.each<[ScriptedAnswer]>([
    [failure(503, 'unavailable')],
    [failure(503, 'unavailable', retryInfo(1))],
    [failure(429, 'resource_exhausted', retryInfo(1))],
    [failure(401, 'unauthenticated')],
    [failure(500, 'internal')],
    [{ status: 502, body: '<html>a proxy</html>' }],
    [{ status: 404 }],
    [{ status: 200, body: 'not protobuf' }],
  ])('%j is worth another try, with the same id and content', async (answer) => {
    const { server, telemetry } = await start([answer, acknowledged]);
    telemetry.log('AGAIN', { value: 1 });
    expect(await telemetry.flush()).toMatchObject({ complete: true });
    expect(telemetry.counters()).toMatchObject({ delivered: 1, spooled: 0 });
    expect(server.batches).toHaveLength(2);
    expect(server.batches[1]).toEqual(server.batches[0]);
  });
});

it('3.3 a try waits at least as long as the server asks', async () => {
  const delayMs = 700;
  const answers = [failure(503, 'unavailable', retryInfo(delayMs)), acknowledged];
  const { telemetry } = await start(answers);
  telemetry.log('ASKED');
  const startMs = performance.now();
  await telemetry.flush(10);
  expect(performance.now() - startMs).toBeGreaterThan(delayMs);
});

it('3.3, 3.4 after three tries the circuit is open: the fallback takes all', async () => {
  const lines: string[] = [];
  const { server, telemetry } = await start(
    [
      failure(503, 'unavailable', retryInfo(1)),
      failure(503, 'unavailable', retryInfo(1)),
      failure(503, 'unavailable', retryInfo(3_600_000)),
    ],
    {
      fallback: 'logging',
      logger: { info: (line) => lines.push(line), warn: () => {} },
    },
  );
  telemetry.log('FIRST');
  expect(await telemetry.flush(10)).toMatchObject({ complete: true });
  telemetry.log('SECOND');
  expect(await telemetry.flush(10)).toMatchObject({ complete: true });
  expect(server.batches).toHaveLength(3);
  const types = lines.map((line) => JSON.parse(line).events[0].event_type);
  expect(types).toEqual(['FIRST', 'SECOND']);
  expect(telemetry.counters()).toMatchObject({ taken: 2, delivered: 0, handedOver: 2 });
});

it('3.4 without a spool a live batch closes the circuit when its time has come', async () => {
  const { telemetry, server } = await start(
    [...Array(3).fill(failure(503, 'unavailable', retryInfo(1))), acknowledged],
    { fallback: 'none' },
  );
  telemetry.log('LOST');
  expect(await telemetry.flush(10)).toMatchObject({ complete: false });
  await expect
    .poll(async () => {
      telemetry.log('PROBE');
      await telemetry.flush();
      return server.batches.length;
    })
    .toBeGreaterThan(3);
  expect(telemetry.counters().dropped.unreachable).toBeGreaterThan(0);
  expect(telemetry.counters().delivered).toBeGreaterThan(0);
});

it('3.4 the circuit is closed by the oldest batch of the spool', async () => {
  const { server, telemetry } = await start([
    ...Array(3).fill(failure(503, 'unavailable', retryInfo(50))),
    acknowledged,
  ]);
  telemetry.log('SPOOLED');
  await telemetry.flush(10);
  expect(telemetry.counters()).toMatchObject({ spooled: 1, delivered: 0 });
  await expect.poll(() => telemetry.counters().delivered, { timeout: 10_000 }).toBe(1);
  expect(server.batches[3]).toEqual(server.batches[0]);
});

it('3.3 when half of the queue is waiting, the fallback takes what was to be tried again', async () => {
  const { telemetry } = await start([failure(503, 'unavailable', retryInfo(3_600_000))], {
    queueEventsMax: 100,
    batchEventsMax: 10,
  });
  let taken = 0;
  // The server asks for an hour; the queue alone would be full by then.
  await expect
    .poll(() => {
      for (let count = 0; count < 20; count += 1) taken += Number(telemetry.log('MANY'));
      return telemetry.counters().spooled;
    })
    .toBeGreaterThan(100);
  expect(await telemetry.close(10)).toMatchObject({ complete: true });
  expect(telemetry.counters()).toMatchObject({ taken, spooled: taken });
});
