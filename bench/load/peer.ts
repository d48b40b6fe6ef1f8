import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { latencies } from '../support/statistics.ts';
import { serveLoad } from './child.ts';
import { HttpConnection } from './http-connection.ts';
import { type BodyKind, type PeerBody, peerBody } from './peer-bodies.ts';

export interface PeerLoadOptions {
  readonly port: number;
  readonly kind: BodyKind;
  readonly connections: number;
  readonly seconds: number;
  readonly eventsPerPost: number;
  /** Of all connections; absent: each sends its next post when the last is answered. */
  readonly postsPerSecond?: number;
  /** The first of the numbers of events. */
  readonly from: number;
  /** Everything is sent a second time, after the answer. */
  readonly twice?: boolean;
}

export interface PeerLoadResult {
  readonly seconds: number;
  readonly posts: number;
  readonly refusals: number;
  /** The first numbers of posts that were acknowledged. */
  readonly acknowledged: readonly number[];
  readonly p99_ms: number;
}

const reconnectMs = 50;

/** Posts that are acknowledged or not; a server that goes away is waited for, and nothing is sent again. */
class PeerLoad {
  readonly #options: PeerLoadOptions;
  readonly #body: PeerBody;
  readonly #acknowledged: number[] = [];
  readonly #ms: number[] = [];
  #posts = 0;
  #refusals = 0;
  #next: number;

  constructor(options: PeerLoadOptions) {
    this.#options = options;
    this.#body = peerBody(options.kind, options.eventsPerPost === 1);
    this.#next = options.from;
  }

  async run(): Promise<PeerLoadResult> {
    const startMs = performance.now();
    const { seconds, connections } = this.#options;
    const endMs = startMs + seconds * 1000;
    await Promise.all(Array.from({ length: connections }, () => this.#connection(endMs)));
    return {
      seconds: (performance.now() - startMs) / 1000,
      posts: this.#posts,
      refusals: this.#refusals,
      acknowledged: this.#acknowledged,
      p99_ms: latencies(this.#ms).p99_ms,
    };
  }

  async #connection(endMs: number): Promise<void> {
    const { port, postsPerSecond, connections, eventsPerPost, twice } = this.#options;
    const everyMs = postsPerSecond ? (1000 * connections) / postsPerSecond : 0;
    let line: Line | undefined;
    for (let dueMs = performance.now(); performance.now() < endMs; dueMs += everyMs) {
      const waitMs = everyMs === 0 ? 0 : dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      line ??= await Line.open(port);
      if (!line) {
        await sleep(reconnectMs);
        continue;
      }
      const first = this.#next;
      this.#next += eventsPerPost;
      const request = this.#request(first);
      const isUp =
        (await this.#post(line, first, request)) &&
        (!twice || (await line.send(request)) !== undefined);
      if (!isUp) line = undefined;
    }
    line?.close();
  }

  #request(first: number): Buffer {
    const { eventsPerPost } = this.#options;
    const numbers = Array.from({ length: eventsPerPost }, (_, at) => first + at);
    const { path, type, text } = this.#body;
    const body = Buffer.from(text(numbers, uuidv7()));
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  }

  /** Resolves with whether the connection is still there. */
  async #post(line: Line, first: number, request: Buffer): Promise<boolean> {
    const startMs = performance.now();
    const status = await line.send(request);
    this.#posts += 1;
    if (status === undefined) return false;
    this.#ms.push(performance.now() - startMs);
    if (status >= 200 && status < 300) this.#acknowledged.push(first);
    else this.#refusals += 1;
    return true;
  }
}

/** A connection with one request at a time. */
class Line {
  readonly #connection: HttpConnection;
  #answer: ((status: number | undefined) => void) | undefined;
  #isClosed = false;

  private constructor(port: number) {
    this.#connection = new HttpConnection(
      port,
      ({ status }) => this.#settle(status),
      () => {
        this.#isClosed = true;
        this.#settle(undefined);
      },
    );
  }

  static async open(port: number): Promise<Line | undefined> {
    const line = new Line(port);
    return await line.#connection.opened().then(
      () => line,
      () => undefined,
    );
  }

  /** Resolves with the status; undefined where the connection ends before. */
  send(request: Buffer): Promise<number | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.#answer = resolve;
    this.#connection.send(request);
    return promise;
  }

  close(): void {
    this.#connection.close();
  }

  #settle(status: number | undefined): void {
    this.#answer?.(status);
    this.#answer = undefined;
  }
}

await serveLoad<PeerLoadOptions, PeerLoadResult>(async (options) => {
  const load = new PeerLoad(options);
  return async () => await load.run();
});
