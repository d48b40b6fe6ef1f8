import type { Duplex } from 'node:stream';
import type { SentAnswer } from '../protocol/protocol.ts';
import { HotConnection } from './hot-connection.ts';
import { httpAnswer } from './http-answer.ts';
import { type PlainPost, PlainPosts } from './plain-post.ts';

/** The answer to a plain post, which never fails, or undefined where it is no such post for its route. */
export type AnswerPlain = (post: PlainPost, socket: Duplex) => Promise<SentAnswer> | undefined;

export interface HotOptions {
  readonly headerBytesMax: number;
  readonly idleMsMax: number;
  readonly answer: AnswerPlain;
  /** Whether its client is to take another connection next. */
  isOver(socket: Duplex): boolean;
  /** A request begins, or has ended. */
  onActive(change: 1 | -1): void;
  takeOver(socket: Duplex, sent: Buffer): void;
}

const checkMs = 1000;

/** The connections over HTTP/1.1 that are served past Node's HTTP, as long as they send what is plain. */
export class HotConnections {
  readonly #options: HotOptions;
  readonly posts: PlainPosts;
  readonly #connections = new Map<Duplex, HotConnection>();
  readonly #checks = setInterval(() => this.#check(), checkMs).unref();

  constructor(options: HotOptions) {
    this.#options = options;
    this.posts = new PlainPosts(options.headerBytesMax);
  }

  accept(socket: Duplex, sent?: Buffer): void {
    const connection = new HotConnection(socket, this);
    this.#connections.set(socket, connection);
    socket.once('close', () => this.#connections.delete(socket));
    connection.start(sent);
  }

  /** Ends those that wait for a request, and the others with their answer. */
  leave(): void {
    for (const connection of this.#connections.values()) connection.end();
  }

  close(): void {
    clearInterval(this.#checks);
  }

  answer(post: PlainPost, socket: Duplex): Promise<SentAnswer> | undefined {
    const { answer, onActive } = this.#options;
    const answered = answer(post, socket);
    if (answered) onActive(1);
    return answered;
  }

  written(answer: SentAnswer, socket: Duplex): Uint8Array | string {
    const { idleMsMax, isOver, onActive } = this.#options;
    onActive(-1);
    const isLast = isOver(socket) || answer.headers.connection === 'close';
    if (isLast) this.#connections.get(socket)?.end();
    return httpAnswer(answer, isLast ? undefined : idleMsMax);
  }

  takeOver(socket: Duplex, sent: Buffer): void {
    this.#connections.delete(socket);
    this.#options.takeOver(socket, sent);
  }

  #check(): void {
    const now = performance.now();
    for (const connection of this.#connections.values())
      connection.check(now, checkMs, this.#options.idleMsMax);
  }
}
