import type { Duplex } from 'node:stream';
import type { SentAnswer } from '../protocol/protocol.ts';
import { type PlainPost, type PlainPosts, plainBytesMax } from './plain-post.ts';

/** What a connection is served by. */
export interface HotServer {
  readonly posts: PlainPosts;
  /** The whole answer to a plain post, or undefined where it is to be served otherwise. */
  answer(post: PlainPost, socket: Duplex): Promise<SentAnswer> | undefined;
  /** That answer as it is sent, after which nothing may follow: then the connection is told to end. */
  written(answer: SentAnswer, socket: Duplex): Uint8Array | string;
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
  /** Serves a request, or waits until its answer is read. */
  #isServing = false;
  #isDraining = false;
  #isPaused = false;
  #isLast = false;
  /** Has said its last word. */
  #isOver = false;

  constructor(socket: Duplex, server: HotServer) {
    this.#socket = socket;
    this.#server = server;
  }

  start(sent = nothing): void {
    // Whoever has sent all that he has to still waits for his answers.
    this.#socket.allowHalfOpen = true;
    this.#socket.on('data', this.#onData).on('end', this.#onEnd);
    if (sent.length > 0) this.#onData(sent);
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Nothing more is taken: gone at once, or once what is being served is answered. */
  end(): void {
    this.#isLast = true;
    if (this.#isServing) return;
    if (this.#sent.length > 0) this.#leave();
    else this.#socket.destroy();
  }

  /** Lets Node's server wait for what is slow to come, and ends what is idle. */
  check(now: number, partialMsMax: number, idleMsMax: number): void {
    if (this.#isServing && !this.#isDraining) return;
    const waitedMs = now - this.#waitsSince;
    if (this.#sent.length === 0 || this.#isDraining) {
      if (waitedMs > (this.#isOver ? partialMsMax : idleMsMax)) this.#socket.destroy();
    } else if (waitedMs > partialMsMax) this.#leave();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#sent.length === 0) {
      if (!this.#isDraining) this.#waitsSince = performance.now();
      this.#sent = chunk;
    } else this.#sent = Buffer.concat([this.#sent, chunk]);
    if (!this.#isServing) this.#next();
    else if (this.#sent.length > plainBytesMax) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  };

  readonly #onEnd = (): void => {
    if (!this.#isServing) this.#finish();
  };

  #next(): void {
    const post = this.#server.posts.read(this.#sent);
    if (post === 'partial') {
      if (this.#socket.readableEnded) this.#finish();
      return;
    }
    const answer = post && this.#server.answer(post, this.#socket);
    if (!post || !answer) {
      this.#leave();
      return;
    }
    this.#sent = post.end === this.#sent.length ? nothing : this.#sent.subarray(post.end);
    this.#isServing = true;
    answer.then(this.#onAnswer, this.#onFault);
  }

  readonly #onFault = (error: Error): void => {
    this.#socket.destroy(error);
  };

  readonly #onAnswer = (answer: SentAnswer): void => {
    const bytes = this.#server.written(answer, this.#socket);
    if (this.#socket.destroyed) return;
    if (this.#isLast) this.#finish(bytes);
    else if (this.#socket.write(bytes)) this.#goOn();
    else {
      // Whoever does not read his answers is given no more of them.
      this.#isDraining = true;
      this.#waitsSince = performance.now();
      this.#socket.once('drain', this.#goOn);
    }
  };

  readonly #goOn = (): void => {
    this.#isServing = this.#isDraining = false;
    this.#waitsSince = performance.now();
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
    if (this.#isLast) this.#finish();
    else if (this.#sent.length > 0) this.#next();
    else if (this.#socket.readableEnded) this.#finish();
  };

  /** What comes after the last answer is heard by nobody. */
  #finish(answer: Uint8Array | string = ''): void {
    this.#isServing = false;
    this.#isOver = true;
    this.#sent = nothing;
    this.#socket.off('data', this.#onData).resume();
    this.#socket.end(answer);
  }

  #leave(): void {
    if (this.#socket.readableEnded) {
      this.#finish();
      return;
    }
    this.#socket.off('data', this.#onData).off('end', this.#onEnd);
    this.#socket.allowHalfOpen = false;
    this.#server.takeOver(this.#socket, this.#sent);
  }
}
