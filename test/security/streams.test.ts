import { create } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  IngestService,
  StreamBatchesRequestSchema,
  StreamEventsRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openTail } from '../support/tail.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { keyAdmin } from './callers.ts';

let database: TestDatabase;
let telemetry: TestCollector;
let rootSecret: string;
let made = 0;

beforeAll(async () => {
  database = await createDatabase();
  const root = { name: 'root', scopes: ['admin'] };
  rootSecret = (await keyAdmin(database).create({ name: 'a test' }, root)).secret;
  telemetry = await startCollector({}, database);
});
afterAll(async () => {
  await telemetry.stop();
  await database.drop();
});

const call = (method: string, body: object) =>
  fetch(`${telemetry.baseUrl}/gravitas.telemetry.v1.KeyService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': rootSecret },
    body: JSON.stringify(body),
  });

/** By the API, so that the collector knows at once. */
async function makeKey(
  more: object = { scopes: ['ingest', 'query'] },
): Promise<{ name: string; secret: string }> {
  const name = `stream-${made++}`;
  const answer = await call('CreateKey', { name, ...more });
  expect(answer.status).toBe(200);
  return { name, secret: ((await answer.json()) as { secret: string }).secret };
}

const withKey =
  (secret: string): Interceptor =>
  (next) =>
  (request) => {
    request.header.set('authorization', `Bearer ${secret}`);
    return next(request);
  };

const transports: Readonly<Record<string, (secret: string) => Transport>> = {
  gRPC: (secret) =>
    createGrpcTransport({ baseUrl: telemetry.baseUrl, interceptors: [withKey(secret)] }),
  Connect: (secret) =>
    createConnectTransport({
      baseUrl: telemetry.baseUrl,
      httpVersion: '2',
      interceptors: [withKey(secret)],
    }),
  'gRPC-Web': (secret) =>
    createGrpcWebTransport({
      baseUrl: telemetry.baseUrl,
      httpVersion: '2',
      interceptors: [withKey(secret)],
    }),
};

const events = [{ eventType: 'OPEN' }];

/** Sends one message, and then nothing until the stream has ended. */
async function* oneMessage<T>(message: T, ended: Promise<void>): AsyncGenerator<T> {
  yield message;
  await ended;
}

/** Opens a stream and resolves, when its first batch is stored, with what it ends with. */
async function openStream(
  kind: 'StreamBatches' | 'StreamEvents' | 'Tail',
  transport: Transport,
): Promise<{ ending: Promise<unknown> }> {
  if (kind === 'Tail') return await openTail(transport);
  const client = createClient(IngestService, transport);
  const ended = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  const stored = () => database.count('select count(*) from system_telemetry');
  const before = await stored();
  const run = async () => {
    if (kind === 'StreamEvents') {
      await client.streamEvents(
        oneMessage(create(StreamEventsRequestSchema, { events }), ended.promise),
      );
      return;
    }
    const batch = create(StreamBatchesRequestSchema, { events });
    for await (const _ of client.streamBatches(oneMessage(batch, ended.promise))) first.resolve();
  };
  const ending = run()
    .then(() => 'a success')
    .catch((error) => error)
    .finally(ended.resolve);
  if (kind === 'StreamBatches') await first.promise;
  else await expect.poll(stored, { timeout: 10_000 }).toBeGreaterThan(before);
  return { ending };
}

const withinMs = async <T>(ms: number, promise: Promise<T>): Promise<T | 'still open'> =>
  await Promise.race([
    promise,
    new Promise<'still open'>((resolve) => setTimeout(() => resolve('still open'), ms)),
  ]);

const cases = Object.keys(transports).flatMap((protocol) =>
  (['StreamBatches', 'StreamEvents', 'Tail'] as const).map((kind) => ({ protocol, kind })),
);

describe.each(cases)('$kind by $protocol', ({ protocol, kind }) => {
  const open = (secret: string) =>
    openStream(kind, (transports[protocol] as (typeof transports)['gRPC'])(secret));

  it('ends when its key is revoked, and says why', async () => {
    const { name, secret } = await makeKey();
    const { ending } = await open(secret);
    expect((await call('RevokeKey', { name_or_id: name })).status).toBe(200);
    const error = (await withinMs(1000, ending)) as ConnectError;
    expect(error).toBeInstanceOf(ConnectError);
    expect([error.code, error.rawMessage]).toEqual([Code.Unauthenticated, 'the key was revoked']);
  });

  it('ends when its key expires', async () => {
    const expiresAt = new Date(Date.now() + 3000).toISOString();
    const { secret } = await makeKey({ scopes: ['ingest', 'query'], expires_at: expiresAt });
    const { ending } = await open(secret);
    const error = (await withinMs(8000, ending)) as ConnectError;
    expect([error.code, error.rawMessage]).toEqual([Code.Unauthenticated, 'the key has expired']);
  });

  it('goes on when another secret of its name is revoked', async () => {
    const { name, secret } = await makeKey();
    const rotated = await call('RotateKey', { name });
    const { key } = (await rotated.json()) as { key: { id: string } };
    const { ending } = await open(secret);
    await call('RevokeKey', { name_or_id: key.id });
    expect(await withinMs(300, ending)).toBe('still open');
    await call('RevokeKey', { name_or_id: name });
    expect(((await withinMs(1500, ending)) as ConnectError).code).toBe(Code.Unauthenticated);
  });
});

it('ends a tail on another collector within five seconds', async () => {
  const { path, remove } = temporaryDirectory();
  const other = await startCollector({ TELEMETRY_DATA_DIR: `${path}/data` }, database);
  const { name, secret } = await makeKey();
  const transport = createGrpcTransport({
    baseUrl: other.baseUrl,
    interceptors: [withKey(secret)],
  });
  let tail = await openTail(transport);
  // It hears of the key soon.
  const isOpen = async () => {
    if ((await withinMs(200, tail.ending)) === 'still open') return true;
    tail = await openTail(transport);
    return false;
  };
  await expect.poll(isOpen, { timeout: 10_000 }).toBe(true);
  expect((await call('RevokeKey', { name_or_id: name })).status).toBe(200);
  const error = (await withinMs(5000, tail.ending)) as ConnectError;
  expect(error.code).toBe(Code.Unauthenticated);
  await other.stop();
  remove();
});
