import type http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Logger } from '../observe/logger.ts';
import { createHttp2 } from './http-servers.ts';
import { Http2Sessions } from './http2-sessions.ts';
import type { RequestListener, SocketServerOptions } from './socket-server.ts';

/** HTTP/2, whose server is made when the first client comes that speaks it: Node's takes 7 MB. */
export class Http2Front {
  readonly #options: SocketServerOptions;
  readonly #listener: RequestListener;
  readonly #ageMsMax: () => number;
  readonly #logger: Logger;
  #server: http2.Http2Server | undefined;
  #sessions: Http2Sessions | undefined;

  /** `ageMsMax`: when a session that begins now is told to go. */
  constructor(
    options: SocketServerOptions,
    listener: RequestListener,
    ageMsMax: () => number,
    logger: Logger,
  ) {
    this.#options = options;
    this.#listener = listener;
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

  #createServer(): http2.Http2Server {
    const server = createHttp2(this.#options, this.#listener);
    const { idleMsMax } = this.#options;
    this.#sessions = new Http2Sessions(server, { idleMsMax, ageMsMax: this.#ageMsMax });
    server.on('sessionError', (error) => this.#logger.debug({ err: error }, 'HTTP/2 session'));
    return server;
  }
}
