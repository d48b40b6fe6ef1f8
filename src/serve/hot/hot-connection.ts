import type { Duplex } from 'node:stream';
import { type PlainPost, plainBytesMax, readPlainPost } from './plain-post.ts';

/** What a connection is served by. */
export interface HotServer {
  readonly headerBytesMax: number;
  /** The whole answer to a plain post, or undefined where it is to be served otherwise. */
  answer(post: PlainPost, socket: Duplex): Promise<Uint8Array | string> | undefined;
  /** Serves a connection from what it has sent last on, for good. */
  takeOver(socket: Duplex, sent: Buffer): void;
}

const nothing: Buffer = Buffer.alloc(0);

/**
 * A connection over HTTP/1.1 as long as it sends plain posts only, whose answers are written whole,
 * one after the other. The first request that is anything else, or slow to come, goes to Node's
 * server with all that follows it.
 */
export class HotConnection {
  readonly #socket: Duplex;
  readonly #server: HotServer;
  /** What is sent and not answered yet, but the request that is being served. */
  #sent: Buffer = nothing;
  /** For a request, or for the rest of one: whoever dribbles gains nothing. */
  #waitsSince = performance.now();
  #isServing = false;
  #isPaused = false;
  #isLast = false;

  constructor(socket: Duplex, server: HotServer) {
    this.#socket = socket;
    this.#server = server;
  }

  start(sent = nothing): void {
    this.#socket.on('data', this.#onData);
    if (sent.length > 0) this.#onData(sent);
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Nothing more is taken: gone at once, or once what is being served is answered. */
  end(): void {
    this.#isLast = true;
    if (!this.#isServing) this.#socket.destroy();
  }

  /** Lets Node's server wait for what is slow to come, and ends what is idle. */
  check(now: number, partialMsMax: number, idleMsMax: number): void {
    if (this.#isServing) return;
    const waitedMs = now - this.#waitsSince;
    if (this.#sent.length > 0) {
      if (waitedMs > partialMsMax) this.#leave();
    } else if (waitedMs > idleMsMax) this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#sent.length === 0) {
      this.#waitsSince = performance.now();
      this.#sent = chunk;
    } else this.#sent = Buffer.concat([this.#sent, chunk]);
    if (!this.#isServing) this.#next();
    else if (this.#sent.length > plainBytesMax) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  };

  #next(): void {
    const post = readPlainPost(this.#sent, this.#server.headerBytesMax);
    if (post === 'partial') return;
    const answer = post && this.#server.answer(post, this.#socket);
    if (!post || !answer) {
      this.#leave();
      return;
    }
    this.#sent = post.end === this.#sent.length ? nothing : this.#sent.subarray(post.end);
    this.#isServing = true;
    answer.then(this.#onAnswer, (error) => this.#socket.destroy(error));
  }

  readonly #onAnswer = (answer: Uint8Array | string): void => {
    this.#isServing = false;
    this.#waitsSince = performance.now();
    if (this.#socket.destroyed) return;
    if (this.#isLast) {
      this.#socket.end(answer);
      return;
    }
    this.#socket.write(answer);
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
    if (this.#sent.length > 0) this.#next();
  };

  #leave(): void {
    this.#socket.off('data', this.#onData);
    this.#server.takeOver(this.#socket, this.#sent);
  }
}
