import type http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Logger } from '../observe/logger.ts';
import { GrpcCalls } from './hot/grpc-calls.ts';
import { createHttp2, type TakeStream } from './http-servers.ts';
import { Http2Sessions } from './http2-sessions.ts';
import type { RequestListener, SocketServerOptions } from './socket-server.ts';

/** HTTP/2, whose server is made when the first client comes that speaks it: Node's takes 7 MB. */
export class Http2Front {
  readonly #options: SocketServerOptions;
  readonly #listener: RequestListener;
  readonly #onActive: (change: 1 | -1) => void;
  readonly #ageMsMax: () => number;
  readonly #logger: Logger;
  #server: http2.Http2Server | undefined;
  #sessions: Http2Sessions | undefined;
  #grpc: GrpcCalls | undefined;

  /** `onActive`: a call begins, or has ended. `ageMsMax`: when a session that begins now is told to go. */
  constructor(
    options: SocketServerOptions,
    listener: RequestListener,
    onActive: (change: 1 | -1) => void,
    ageMsMax: () => number,
    logger: Logger,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#onActive = onActive;
    this.#ageMsMax = ageMsMax;
    this.#logger = logger;
  }

  accept(socket: Duplex): void {
    this.#server ??= this.#createServer();
    this.#server.emit('connection', socket);
  }

  /** Tells every client to go. */
  leave(): void {
    this.#sessions?.leave();
  }

  /** Resolves when all are gone, or have had time enough to be heard. */
  async gone(): Promise<void> {
    await this.#sessions?.gone();
  }

  close(): void {
    this.#grpc?.close();
  }

  #createServer(): http2.Http2Server {
    const { idleMsMax, beginGrpc = () => undefined, requestMsMax, onPlainText } = this.#options;
    const grpc = new GrpcCalls(beginGrpc, requestMsMax, this.#onActive);
    const take: TakeStream = (stream, headers, leave) => {
      const isRefused = onPlainText !== undefined && !stream.session?.encrypted;
      return !isRefused && grpc.take(stream, headers, leave);
    };
    this.#grpc = grpc;
    const server = createHttp2(this.#options, this.#listener, take);
    this.#sessions = new Http2Sessions(server, { idleMsMax, ageMsMax: this.#ageMsMax });
    server.on('sessionError', (error) => this.#logger.debug({ err: error }, 'HTTP/2 session'));
    return server;
  }
}
