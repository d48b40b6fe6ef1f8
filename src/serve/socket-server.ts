import { once } from 'node:events';
import type http from 'node:http';
import type http2 from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../observe/logger.ts';
import type { BeginGrpc } from './hot/grpc-calls.ts';
import { type AnswerPlain, HotConnections } from './hot/hot-connections.ts';
import { createHttp1 } from './http-servers.ts';
import { Http2Front } from './http2-front.ts';
import { type PeekedProtocol, peek } from './peek.ts';
import type { OnRefused } from './refusals.ts';
import { TlsFront, type TlsFrontOptions } from './tls/tls-front.ts';
import type { OnUnreadable } from './unreadable.ts';

export interface SocketServerOptions {
  readonly host: string;
  readonly port: number;
  /** A connection that has not said which protocol it speaks by then is closed. */
  readonly peekMsMax: number;
  readonly connectionsMax: number;
  /** Concurrent calls on one HTTP/2 connection. */
  readonly streamsPerConnectionMax: number;
  readonly headerBytesMax: number;
  /** From the first byte of a request on HTTP/1.1 to the last of its header. */
  readonly headerMsMax: number;
  /** A connection without a call is closed after so long, whatever else it sends. */
  readonly idleMsMax: number;
  /** The longest that a request on HTTP/1.1 may last, streams included. */
  readonly streamMsMax: number;
  /** Calls that an HTTP/2 connection may cancel at once; a thirtieth of it a second after that. */
  readonly resetsMax: number;
  /** A connection is told to go after so long, give or take a tenth; 0: never. */
  readonly connectionMsMax: number;
  readonly onRefused: OnRefused;
  readonly onUnreadable: OnUnreadable;
  /** Answers plain posts over HTTP/1.1; what it does not answer is the listener's. */
  readonly answerPlain?: AnswerPlain;
  /** Serves unary calls of gRPC; what it does not serve is the listener's. */
  readonly beginGrpc?: BeginGrpc;
  /** The longest that a request may take until it has come, and an answer until it is read. */
  readonly requestMsMax: number;
  /** Without, nothing is encrypted. */
  readonly tls?: Pick<TlsFrontOptions, 'certificate' | 'clientAuth'>;
  /** Answers what comes in plain text, where TLS is asked for; without, that is served too. */
  readonly onPlainText?: RequestListener;
}

/** Node's HTTP/2 server gives objects of the same use. */
export type Request = http.IncomingMessage;
export type Response = http.ServerResponse;
export type RequestListener = (request: Request, response: Response) => void;

/**
 * HTTP/1.1 and HTTP/2 on one port, with TLS and without: the first bytes of a connection decide,
 * and the socket is handed to the server that understands them.
 */
export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #logger: Logger;
  readonly #listener: RequestListener;
  readonly #http1: http.Server;
  readonly #tcp: net.Server;
  readonly #tls: TlsFront | undefined;
  /** With the time when each is told to go. */
  readonly #sockets = new Map<Duplex, number>();
  /** The latest of each HTTP/1.1 connection. */
  readonly #responses = new WeakMap<Duplex, Response>();
  readonly #http2: Http2Front;
  readonly #hot: HotConnections;
  #leaving = false;
  #active = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: SocketServerOptions, listener: RequestListener, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#listener = listener;
    this.#http1 = createHttp1(options, this.#onRequest);
    this.#http1.on('clientError', (error, socket) => {
      const response = this.#responses.get(socket);
      const isAnswering = response?.headersSent && !response.writableFinished;
      if (!socket.writable || isAnswering) socket.destroy(error);
      else options.onUnreadable(error, socket);
    });
    this.#hot = this.#createHot();
    const ageMsMax = () => this.#ageMsMax();
    this.#http2 = new Http2Front(options, this.#onRequest, this.#onActive, ageMsMax, logger);
    this.#tls = options.tls && this.#createTls(options.tls);
    this.#tcp = net.createServer({ noDelay: true, keepAlive: true }, this.#onConnection);
    // Of several processes each has its part, and passes nothing on to others that are as full.
    Object.assign(this.#tcp, { maxConnections: options.connectionsMax, dropMaxConnection: true });
    this.#tcp.on('drop', () => options.onRefused('connections'));
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Resolves with the port when connections are accepted. */
  async listen(): Promise<number> {
    const { port, host } = this.#options;
    await once(this.#tcp.listen(port, host), 'listening');
    return (this.#tcp.address() as net.AddressInfo).port;
  }

  /** Tells every client to go elsewhere, and serves whoever comes all the same. */
  leave(): void {
    this.#leaving = true;
    this.#http2.leave();
    this.#http1.closeIdleConnections();
    this.#hot.leave();
  }

  /** Accepts no more connections, waits for the calls under way, and closes what is left. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#tcp.close();
    this.leave();
    this.#idle = Promise.withResolvers<void>();
    if (this.#active === 0 || deadline.aborted) this.#idle.resolve();
    deadline.addEventListener('abort', () => this.#idle?.resolve(), { once: true });
    await this.#idle.promise;
    if (!deadline.aborted) await this.#http2.gone();
    for (const socket of this.#sockets.keys()) socket.destroy();
    // Stops the timers that look for late requests.
    for (const server of [this.#http1, this.#hot, this.#http2]) server.close();
  }

  readonly #onActive = (change: 1 | -1): void => {
    this.#active += change;
    if (this.#active === 0) this.#idle?.resolve();
  };

  readonly #onRequest = (request: Request, response: Response): void => {
    this.#onActive(1);
    response.once('close', () => this.#onActive(-1));
    if (request.httpVersionMajor === 1) {
      this.#responses.set(request.socket, response);
      if (this.#isOver(request.socket)) response.shouldKeepAlive = false;
    }
    const { onPlainText } = this.#options;
    const isRefused = onPlainText !== undefined && !('encrypted' in request.socket);
    if (isRefused) this.#sendAway(request, response);
    try {
      if (isRefused) onPlainText(request, response);
      else this.#listener(request, response);
    } catch (error) {
      this.#logger.debug({ err: error }, 'unreadable request');
      if (!response.headersSent) response.writeHead(400);
      response.end();
    }
  };

  /** Nothing but this answer is to come of a connection. */
  #sendAway(request: Request, response: Response): void {
    if (request.httpVersionMajor === 1) response.shouldKeepAlive = false;
    else (request as unknown as http2.Http2ServerRequest).stream.session?.close();
  }

  /** Whether the client of a connection is to take another one next. */
  #isOver(socket: Duplex): boolean {
    return this.#leaving || performance.now() > (this.#sockets.get(socket) ?? 0);
  }

  #ageMsMax(): number {
    const { connectionMsMax } = this.#options;
    // Clients that came together do not go together.
    return (connectionMsMax || Number.POSITIVE_INFINITY) * (0.9 + 0.2 * Math.random());
  }

  #keep(socket: net.Socket): void {
    this.#sockets.set(socket, performance.now() + this.#ageMsMax());
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', (error) => this.#logger.debug({ err: error }, 'connection'));
  }

  readonly #onConnection = (socket: net.Socket): void => {
    this.#keep(socket);
    peek(socket, this.#options.peekMsMax, this.#tls !== undefined, (protocol, seen) =>
      this.#hand(socket, protocol, seen),
    );
  };

  #hand(socket: net.Socket, protocol: PeekedProtocol, seen: Buffer): void {
    const isHot = protocol === 'http/1.1' && !this.#options.onPlainText;
    if (!isHot) socket.unshift(seen);
    if (isHot) this.#hot.accept(socket, seen);
    else if (protocol === 'tls') this.#tls?.accept(socket);
    else this.#serve(socket, protocol);
  }

  #serve(socket: Duplex, protocol: 'h2' | 'http/1.1'): void {
    if (protocol === 'h2') {
      this.#http2.accept(socket);
      return;
    }
    this.#http1.emit('connection', socket);
    socket.resume();
  }

  #createHot(): HotConnections {
    const { headerBytesMax, idleMsMax, answerPlain: answer = () => undefined } = this.#options;
    return new HotConnections({
      ...{ headerBytesMax, idleMsMax, answer, onActive: this.#onActive },
      isOver: (socket) => this.#isOver(socket),
      takeOver: (socket, sent) => {
        socket.pause();
        socket.unshift(sent);
        this.#serve(socket, 'http/1.1');
      },
    });
  }

  #createTls(tls: NonNullable<SocketServerOptions['tls']>): TlsFront {
    const { headerMsMax, onRefused } = this.#options;
    return new TlsFront(
      {
        ...tls,
        handshakeMsMax: headerMsMax,
        onFailed: () => onRefused('handshake'),
        onSecure: (socket) => {
          this.#keep(socket);
          if (socket.alpnProtocol === 'h2') this.#serve(socket, 'h2');
          else this.#hot.accept(socket);
        },
      },
      this.#logger,
    );
  }
}
