import http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { Admission } from '../../src/serve/admission.ts';
import { CallLimits } from '../../src/serve/call-limits.ts';
import { everybody } from '../../src/serve/caller.ts';
import type { Route } from '../../src/serve/route.ts';
import { Router } from '../../src/serve/router.ts';
import { SocketServer } from '../../src/serve/socket-server.ts';
import { createTell } from '../../src/serve/told-error.ts';
import { answerUnreadable } from '../../src/serve/unreadable.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { testConfig } from '../support/config.ts';
import { silentLogger } from '../support/logger.ts';

/** Lets nobody in, and notes who came. */
class ClosedGate extends Admission {
  asked = 0;

  override admit(): ServiceError {
    this.asked += 1;
    return new ServiceError('unauthenticated', 'the gate is closed');
  }

  override admitWhole(): ServiceError {
    return this.admit();
  }
}

let telemetry: TestCollector;
let server: SocketServer;
let port: number;
let gate: ClosedGate;

beforeAll(async () => {
  telemetry = await startCollector();
  const config = testConfig({});
  gate = new ClosedGate(new CallLimits(config), everybody);
  const onRefused = () => {};
  const tell = createTell(silentLogger, onRefused);
  const router = new Router(telemetry.collector.routes, gate, tell);
  const onUnreadable = answerUnreadable(tell);
  const edge = { peekMsMax: 1000, streamsPerConnectionMax: 100, onRefused, onUnreadable };
  const options = { ...config, ...edge, answerPlain: router.answerPlain };
  server = new SocketServer({ ...options, port: 0 }, router.listener, silentLogger);
  port = await server.listen();
});
afterAll(async () => {
  await server.stop(AbortSignal.timeout(1000));
  await telemetry.stop();
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly grpcStatus: string | undefined;
}

async function overHttp1(method: string, path: string, contentType: string): Promise<Answer> {
  const headers = { 'content-type': contentType };
  const body = method === 'POST' ? '{}' : null;
  const url = `http://127.0.0.1:${port}${path}`;
  const response = await fetch(url, { method, headers, body });
  const grpcStatus = response.headers.get('grpc-status') ?? undefined;
  return { status: response.status, body: await response.text(), grpcStatus };
}

async function overHttp2(method: string, path: string, contentType: string): Promise<Answer> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  try {
    const headers = { ':method': method, ':path': path, 'content-type': contentType };
    const call = session.request({ ...headers, te: 'trailers' });
    const answered = Promise.withResolvers<http2.IncomingHttpHeaders>();
    call.once('response', answered.resolve).once('error', answered.reject);
    call.end(method === 'POST' ? '{}' : undefined);
    const { ':status': status, 'grpc-status': grpcStatus } = await answered.promise;
    return { status: Number(status), body: await text(call), grpcStatus: grpcStatus as string };
  } finally {
    session.destroy();
  }
}

const wordsOf = (route: Route): readonly string[] => route.mediaTypes ?? ['text/plain'];
const unauthenticated = /grpc-status: 16|"code":"unauthenticated"/;
/** How each protocol says UNAUTHENTICATED; gRPC-Web as text in base64. */
const isRefusal = ({ status, body, grpcStatus }: Answer): boolean =>
  status === 401 ||
  grpcStatus === '16' ||
  unauthenticated.test(body) ||
  unauthenticated.test(Buffer.from(body, 'base64').toString('latin1'));

describe.each([
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const)('a closed gate, by %s', (_version, ask) => {
  it('is all that any route answers with, whatever protocol it is asked in', async () => {
    const { routes } = telemetry.collector;
    expect(routes.length).toBeGreaterThan(20);
    let asked = 0;
    for (const route of routes) {
      for (const method of [...route.methods, 'OPTIONS', 'PUT']) {
        for (const contentType of method === 'POST' ? wordsOf(route) : ['text/plain']) {
          const before = gate.asked;
          const answer = await ask(method, route.path, contentType);
          asked += 1;
          expect([method, route.path, contentType, isRefusal(answer), gate.asked]).toEqual([
            method,
            route.path,
            contentType,
            true,
            before + 1,
          ]);
        }
      }
    }
    expect(asked).toBeGreaterThan(routes.length);
  });

  it('stands before paths that nobody serves, and before the internal readings', async () => {
    for (const path of ['/nothing', '/gravitas.telemetry.internal.v1.JsonIngestService/LogBatch']) {
      expect(isRefusal(await ask('POST', path, 'application/json'))).toBe(true);
    }
  });
});
