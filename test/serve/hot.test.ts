import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Admission } from '../../src/serve/admission.ts';
import { CallLimits } from '../../src/serve/call-limits.ts';
import { everybody } from '../../src/serve/caller.ts';
import { type PlainPost, PlainPosts } from '../../src/serve/hot/plain-post.ts';
import { jsonHeaders, send } from '../../src/serve/plain-answers.ts';
import type { Route } from '../../src/serve/route.ts';
import { Router } from '../../src/serve/router.ts';
import { SocketServer } from '../../src/serve/socket-server.ts';
import { createTell } from '../../src/serve/told-error.ts';
import { answerUnreadable } from '../../src/serve/unreadable.ts';
import { testConfig } from '../support/config.ts';
import { silentLogger } from '../support/logger.ts';

/** Posts that were answered past Node's HTTP. */
let answeredHot = 0;
const heard = (body: Uint8Array) => JSON.stringify({ heard: Buffer.from(body).toString('hex') });
const mediaType = 'application/json';
const echo: Route = {
  path: '/echo',
  methods: ['POST'],
  mediaTypes: [mediaType],
  kind: 'unary',
  scope: 'none',
  plain: {
    mediaType,
    bytesMax: 100_000,
    serve: async (_call, body) => {
      answeredHot += 1;
      await sleep(1);
      return heard(body);
    },
  },
  serve: async (call, _request, response) =>
    send(response, 200, jsonHeaders, heard(await call.whole())),
};

async function startServer(isHot: boolean, options = {}) {
  const config = { ...testConfig({}), ...options };
  const onRefused = () => {};
  const tell = createTell(silentLogger, onRefused);
  const router = new Router([echo], new Admission(new CallLimits(config), everybody), tell);
  const edge = { peekMsMax: 1000, streamsPerConnectionMax: 100, onRefused };
  const server = new SocketServer(
    {
      ...config,
      ...edge,
      port: 0,
      onUnreadable: answerUnreadable(tell),
      ...(isHot && { answerPlain: router.answerPlain }),
    },
    router.listener,
    silentLogger,
  );
  return { server, port: await server.listen() };
}

let hot: Awaited<ReturnType<typeof startServer>>;
let general: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  hot = await startServer(true);
  general = await startServer(false);
});
afterAll(async () => {
  await Promise.all([hot, general].map(({ server }) => server.stop(AbortSignal.timeout(1000))));
});
beforeEach(() => {
  answeredHot = 0;
});

/** All that comes of a connection that sends these pieces, then says that it has no more, and waits. */
async function talk(port: number, pieces: readonly Buffer[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise(setImmediate);
  }
  await closed;
  return received;
}

const idPattern = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const masked = (text: string) =>
  text
    .replace(idPattern, 'ID')
    .replace(/Date: .*/g, 'Date: DATE')
    // Of an error the id of its request is in the encoded details, too.
    .replace(/"value":"[^"]+"/g, '"value":""');

const last =
  'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

interface Shape {
  readonly line: string;
  readonly host: string;
  readonly headers: readonly string[];
  readonly end: string;
  readonly body: string;
  readonly lengthOff: number;
}
const rarely = <T>(usual: T, ...odd: T[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
const shape: fc.Arbitrary<Shape> = fc.record({
  line: rarely(
    'POST /echo HTTP/1.1',
    'POST /echo HTTP/1.0',
    'POST /echo?x=1 HTTP/1.1',
    'POST /nowhere HTTP/1.1',
    'POST  /echo HTTP/1.1',
    'post /echo HTTP/1.1',
    'POST http://a/echo HTTP/1.1',
    'GET /echo HTTP/1.1',
    'POST /ec%68o HTTP/1.1',
  ),
  host: rarely('a', 'a,b', ',', '', 'a b'),
  headers: fc.array(
    fc.constantFrom(
      'User-Agent: test',
      'Accept: */*',
      'X-Thing:   padded\t ',
      'x-thing: twice',
      'X-Empty:',
      'Connection: keep-alive',
      'Proxy-Connection: close',
      'Transfer-Encoding: chunked',
      'Content-Length: 2',
      'Content-Length: +2',
      'Expect: 100-continue',
      'Content-Encoding: gzip',
      'Origin: http://b',
      ' folded: line',
      'Name : blank before the colon',
      'no colon',
      'X-High: gr\xfc\xdfe',
      'X-Nul: a\0b',
      'constructor: x',
      '__proto__: x',
      'Upgrade: h2c',
    ),
    { maxLength: 2 },
  ),
  end: rarely('\r\n', '\n', '\r', '\r\r\n'),
  body: fc.oneof(fc.constantFrom('{}', '{"a":"größe"}'), fc.string({ maxLength: 30 })),
  lengthOff: rarely(0, 1, -1),
});

function requestOf({ line, host, headers, end, body, lengthOff }: Shape): Buffer {
  const bytes = Buffer.from(body);
  const own = [
    `Host: ${host}`,
    'Content-Type: application/json',
    `Content-Length: ${bytes.length + lengthOff}`,
  ];
  const head = [line, ...own, ...headers].join(end) + end + end;
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((each) => each % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

/** The answer to `last`, which comes where all before it could be read. */
const isWhole = (text: string) =>
  /^HTTP\/1.1 200 OK\r\n.*Connection: close\r\n/s.test(lastOf(text));
const lastOf = (text: string) => text.slice(text.lastIndexOf('HTTP/1.1 '));
/** When Node says so, it may lie between the parts of another answer. */
const withoutContinue = (text: string) => text.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '');

/**
 * The same requests are understood, and answered alike. What comes of a connection with one that is
 * unreadable is a matter of chance: Node's server forgets those before it that it still serves.
 */
function expectAlike(ours: string, nodes: string): void {
  expect(isWhole(ours)).toBe(isWhole(nodes));
  if (isWhole(nodes)) expect(withoutContinue(ours)).toBe(withoutContinue(nodes));
}

describe('posts past the HTTP of Node', () => {
  it('are answered as by it, whatever comes in whatever pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(shape, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(2000), { maxLength: 3 }),
        async (shapes, places) => {
          const bytes = Buffer.concat([...shapes.map(requestOf), Buffer.from(last)]);
          const pieces = cut(bytes, places);
          const [ours, nodes] = await Promise.all([
            talk(hot.port, pieces),
            talk(general.port, pieces),
          ]);
          expectAlike(masked(ours), masked(nodes));
        },
      ),
      { numRuns: 400 },
    );
    expect(answeredHot).toBeGreaterThan(100);
  }, 120_000);

  it('read a request in any two pieces', () => {
    const bytes = requestOf({
      line: 'POST /echo HTTP/1.1',
      host: 'a',
      headers: ['A: b'],
      end: '\r\n',
      body: '{}',
      lengthOff: 0,
    });
    for (let end = 0; end < bytes.length; end++) {
      expect(new PlainPosts().read(bytes.subarray(0, end))).toBe('partial');
    }
    expect(new PlainPosts().read(Buffer.concat([bytes, Buffer.from('POST')]))).toMatchObject({
      path: '/echo',
      headers: { a: 'b', host: 'a', 'content-length': '2' },
      end: bytes.length,
    });
  });

  it('keep of the heads that they know nothing but the head', () => {
    const posts = new PlainPosts();
    const of = (path: string, body: string) =>
      Buffer.from(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    const bodies = Array.from({ length: 600 }, (_, index) => `{"a":${index}}`);
    for (const [index, body] of [...bodies, ...bodies].entries()) {
      const post = posts.read(Buffer.concat([of(`/echo/${index % 300}`, body), Buffer.from('P')]));
      expect(post).toMatchObject({ path: `/echo/${index % 300}`, headers: { host: 'a' } });
      expect(String((post as PlainPost).body)).toBe(body);
    }
    expect(posts.read(of('/echo/1', '{}').subarray(0, -1))).toBe('partial');
  });

  it('keep few heads, however many there are', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc');
    const heapBytes = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const posts = new PlainPosts();
    const [heads, bytes] = [20_000, 3000];
    const readAll = (from: number) => {
      for (let at = from; at < from + heads; at++) {
        const head = `POST /echo HTTP/1.1\r\nHost: a\r\nA: ${at}${'x'.repeat(bytes)}\r\n`;
        expect(posts.read(Buffer.from(`${head}Content-Length: 0\r\n\r\n`))).toBeTypeOf('object');
      }
    };
    readAll(0);
    const before = heapBytes();
    readAll(heads);
    expect(heapBytes() - before).toBeLessThan((heads * bytes) / 4);
    expect(posts.read(Buffer.from('GET'))).toBeUndefined();
  });

  it('end an idle connection, and a slow one by the limits of Node', async () => {
    const quick = await startServer(true, { idleMsMax: 1000, headerMsMax: 1500 });
    expect(await talk(quick.port, [Buffer.from(last.replace('close', 'keep-alive'))])).toMatch(
      /^HTTP\/1.1 200 OK/,
    );
    expect(await talk(quick.port, [Buffer.from(last.slice(0, 40))])).toMatch(/^HTTP\/1.1 408/);
    await quick.server.stop(AbortSignal.timeout(1000));
  }, 30_000);

  it('are not served behind the answer that says it is the last of its connection', async () => {
    const old = await startServer(true, { connectionMsMax: 0.001 });
    const post = Buffer.from(last.replace('close', 'keep-alive'));
    const text = await talk(old.port, [Buffer.concat([post, post])]);
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n.*Connection: close\r\n/s);
    expect([text.match(/HTTP\/1\.1 /g)?.length, answeredHot]).toEqual([1, 1]);
    await old.server.stop(AbortSignal.timeout(1000));
  });

  it('are answered before the server stops, on a connection that ends with it', async () => {
    const stopping = await startServer(true);
    const answer = talk(stopping.port, [Buffer.from(last.replace('close', 'keep-alive'))]);
    while (answeredHot === 0) await new Promise(setImmediate);
    // However long that takes: nothing but the answer is waited for.
    await stopping.server.stop(new AbortController().signal);
    expect(await answer).toMatch(/^HTTP\/1.1 200 OK.*Connection: close\r\n/s);
  });
});
