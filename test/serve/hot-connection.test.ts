import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HotConnection } from '../../src/serve/hot/hot-connection.ts';
import { type PlainPost, PlainPosts } from '../../src/serve/hot/plain-post.ts';
import type { SentAnswer } from '../../src/serve/protocol/protocol.ts';

const post = (body: string) =>
  Buffer.from(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

/** What is served waits for its answer until the test gives it. */
class Server {
  readonly posts = new PlainPosts(1000);
  readonly served: { readonly body: string; answer(text: string): void }[] = [];
  readonly handed: string[] = [];

  answer({ body }: PlainPost): Promise<SentAnswer> {
    const { promise, resolve } = Promise.withResolvers<SentAnswer>();
    const answer = (text: string) => resolve({ status: 200, headers: {}, body: text });
    this.served.push({ body: body.toString(), answer });
    return promise;
  }

  written({ body }: SentAnswer): Uint8Array | string {
    return body;
  }

  takeOver(_socket: Duplex, sent: Buffer): void {
    this.handed.push(sent.toString());
  }

  get bodies(): string[] {
    return this.served.map(({ body }) => body);
  }
}

let server: Server;
beforeEach(() => {
  server = new Server();
});

const turn = () => new Promise(setImmediate);

describe('a connection whose client does not read', () => {
  /** As if the other end took nothing until it is told to. */
  class Stuck extends Duplex {
    written = '';
    #taken: (() => void) | undefined;
    override _read(): void {}
    override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
      this.written += chunk.toString();
      this.#taken = taken;
    }
    letThrough(): void {
      this.#taken?.();
    }
  }

  it('is served nothing more until its answers are read, and is idle meanwhile', async () => {
    const socket = new Stuck({ writableHighWaterMark: 1 });
    const connection = new HotConnection(socket, server);
    connection.start(Buffer.concat([post('1'), post('2'), post('3')]));
    expect(server.bodies).toEqual(['1']);
    server.served[0]?.answer('one');
    await turn();
    expect([server.bodies, socket.written]).toEqual([['1'], 'one']);
    connection.check(performance.now() + 900, 0, 1000);
    expect(socket.destroyed).toBe(false);
    socket.letThrough();
    await turn();
    expect(server.bodies).toEqual(['1', '2']);
    server.served[1]?.answer('two');
    await turn();
    connection.check(performance.now() + 1001, 0, 1000);
    expect(socket.destroyed).toBe(true);
    expect(server.bodies).toEqual(['1', '2']);
  });

  it('is heard no more of than the longest request, until what it has sent is served', async () => {
    const socket = new Stuck();
    new HotConnection(socket, server).start();
    const bodies = ['1', '2'.repeat(65_000), '3'.repeat(65_000)];
    for (const body of bodies) socket.push(post(body));
    await turn();
    expect([server.bodies, socket.isPaused()]).toEqual([['1'], true]);
    for (const at of bodies.keys()) {
      server.served[at]?.answer('');
      await turn();
    }
    expect([server.bodies, socket.isPaused()]).toEqual([bodies, false]);
  });

  it('is over with its answers, where nothing more is taken meanwhile', async () => {
    const socket = new Stuck({ writableHighWaterMark: 1 });
    const connection = new HotConnection(socket, server);
    connection.start(Buffer.concat([post('1'), post('2')]));
    server.served[0]?.answer('one');
    await turn();
    connection.end();
    socket.letThrough();
    await turn();
    expect([server.bodies, socket.written]).toEqual([['1'], 'one']);
    expect(socket.writableEnded).toBe(true);
  });
});

describe('a connection', () => {
  let tcp: net.Server;
  let client: net.Socket;
  let socket: net.Socket;
  let connection: HotConnection;
  let received: string;
  beforeEach(async () => {
    tcp = net.createServer().listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const accepted = once(tcp, 'connection');
    client = net.connect((tcp.address() as net.AddressInfo).port, '127.0.0.1');
    received = '';
    client.on('data', (chunk) => {
      received += chunk.toString();
    });
    [socket] = await accepted;
    connection = new HotConnection(socket, server);
    connection.start();
  });
  afterEach(() => {
    client.destroy();
    tcp.close();
  });

  const untilServed = async (count: number) =>
    await expect.poll(() => server.bodies.length, { timeout: 10_000 }).toBe(count);

  it('answers all that was sent by whoever then says that there is no more', async () => {
    client.end(Buffer.concat([post('1'), post('2')]));
    await untilServed(1);
    await expect.poll(() => socket.readableEnded).toBe(true);
    server.served[0]?.answer('one');
    await untilServed(2);
    server.served[1]?.answer('two');
    await once(client, 'close');
    expect(received).toBe('onetwo');
  });

  it('ends with half a request, when there is no more of it', async () => {
    client.end(post('12').subarray(0, -1));
    await once(client, 'close');
    expect([received, server.bodies, server.handed]).toEqual(['', [], []]);
  });

  it('serves nothing after the answer that is its last, and does not wait for ever', async () => {
    client.write(Buffer.concat([post('1'), post('2')]));
    await untilServed(1);
    connection.end();
    server.served[0]?.answer('one');
    // Of a client that would go on.
    client.allowHalfOpen = true;
    await once(client, 'end');
    const heard = once(socket, 'data');
    client.write(post('3'));
    await heard;
    await turn();
    connection.check(performance.now() + 11, 10, 1000);
    expect(socket.destroyed).toBe(true);
    expect([received, server.bodies, server.handed]).toEqual(['one', ['1'], []]);
  });

  it('leaves to Node what has begun to come when nothing more is taken', async () => {
    const begun = post('1').subarray(0, 30);
    client.write(begun);
    await once(socket, 'data');
    connection.end();
    expect(server.handed).toEqual([begun.toString()]);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});
