import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../observe/logger.ts';
import { Http2Sessions } from './http2-sessions.ts';
import type { OnRefused } from './refusals.ts';
import type { OnUnreadable } from './unreadable.ts';

export interface SocketServerOptions {
  readonly host: string;
  /** 0 for any free port. */
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
}

/** Node's HTTP/2 server gives objects of the same use. */
export type Request = http.IncomingMessage;
export type Response = http.ServerResponse;
export type RequestListener = (request: Request, response: Response) => void;

/** What an HTTP/2 connection begins with; no HTTP/1.1 method does. */
const http2Preface = Buffer.from('PRI');
const windowBytes = 1024 * 1024;
/** What a line of a header counts at the least: RFC 9113, section 6.5.2. */
const headerLineBytesMin = 34;
/** How often HTTP/1.1 connections are looked at for what is late. */
const checkMs = 1000;

/**
 * HTTP/1.1 and HTTP/2 without TLS on one port: the first bytes of a connection decide, and the
 * socket is handed to the server that understands them.
 */
export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #logger: Logger;
  readonly #listener: RequestListener;
  readonly #http1: http.Server;
  readonly #http2: http2.Http2Server;
  readonly #tcp: net.Server;
  /** With the time when each is told to go. */
  readonly #sockets = new Map<net.Socket, number>();
  /** The latest of each HTTP/1.1 connection. */
  readonly #responses = new WeakMap<Duplex, Response>();
  readonly #sessions: Http2Sessions;
  #leaving = false;
  #active = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: SocketServerOptions, listener: RequestListener, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#listener = listener;
    this.#http1 = http.createServer(
      {
        maxHeaderSize: options.headerBytesMax,
        headersTimeout: options.headerMsMax,
        requestTimeout: Math.max(options.streamMsMax, options.headerMsMax),
        keepAliveTimeout: options.idleMsMax,
        connectionsCheckingInterval: Math.min(options.headerMsMax, checkMs),
        // The router says what is missing.
        requireHostHeader: false,
      },
      this.#onRequest,
    );
    // Whoever expects what we do not know gets what anybody gets: RFC 9110, section 10.1.1.
    this.#http1.on('checkExpectation', this.#onRequest);
    this.#http1.on('clientError', (error, socket) => {
      const response = this.#responses.get(socket);
      const isAnswering = response?.headersSent && !response.writableFinished;
      if (!socket.writable || isAnswering) socket.destroy(error);
      else options.onUnreadable(error, socket);
    });
    // A server that is handed its sockets starts its timeouts only when it believes it listens.
    this.#http1.emit('listening');
    this.#http2 = http2.createServer(
      {
        settings: {
          initialWindowSize: windowBytes,
          maxConcurrentStreams: options.streamsPerConnectionMax,
          maxHeaderListSize: options.headerBytesMax,
        },
        maxHeaderListPairs: Math.ceil(options.headerBytesMax / headerLineBytesMin),
        streamResetBurst: options.resetsMax,
        streamResetRate: Math.ceil(options.resetsMax / 30),
      },
      // Typed as if they differed in what is used of them.
      this.#onRequest as unknown as Parameters<typeof http2.createServer>[1],
    );
    this.#http2.on('session', (session) => session.setLocalWindowSize(windowBytes));
    this.#sessions = new Http2Sessions(this.#http2, {
      idleMsMax: options.idleMsMax,
      ageMsMax: () => this.#ageMsMax(),
    });
    this.#http2.on('sessionError', (error) => logger.debug({ err: error }, 'HTTP/2 session'));
    this.#tcp = net.createServer({ noDelay: true, keepAlive: true }, (socket) =>
      this.#onConnection(socket),
    );
    this.#tcp.maxConnections = options.connectionsMax;
    this.#tcp.on('drop', () => options.onRefused('connections'));
  }

  /** Resolves with the port when connections are accepted. */
  async listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#tcp.once('error', reject);
    this.#tcp.listen(this.#options.port, this.#options.host, resolve);
    await promise;
    this.#tcp.off('error', reject);
    return (this.#tcp.address() as net.AddressInfo).port;
  }

  /** Tells every client to go elsewhere, and serves whoever comes all the same. */
  leave(): void {
    this.#leaving = true;
    this.#sessions.leave();
    this.#http1.closeIdleConnections();
  }

  /** Accepts no more connections, waits for the calls under way, and closes what is left. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#tcp.close();
    this.leave();
    this.#idle = Promise.withResolvers<void>();
    if (this.#active === 0 || deadline.aborted) this.#idle.resolve();
    deadline.addEventListener('abort', () => this.#idle?.resolve(), { once: true });
    await this.#idle.promise;
    if (!deadline.aborted) await this.#sessions.gone();
    for (const socket of this.#sockets.keys()) socket.destroy();
    // Stops the timer that looks for late requests.
    this.#http1.close();
  }

  readonly #onRequest = (request: Request, response: Response): void => {
    this.#active += 1;
    response.once('close', () => {
      this.#active -= 1;
      if (this.#active === 0) this.#idle?.resolve();
    });
    if (request.httpVersionMajor === 1) {
      this.#responses.set(request.socket, response);
      if (this.#isOver(request.socket)) response.shouldKeepAlive = false;
    }
    try {
      this.#listener(request, response);
    } catch (error) {
      this.#logger.debug({ err: error }, 'unreadable request');
      if (!response.headersSent) response.writeHead(400);
      response.end();
    }
  };

  /** Whether the client of a connection is to take another one next. */
  #isOver(socket: net.Socket): boolean {
    return this.#leaving || performance.now() > (this.#sockets.get(socket) ?? 0);
  }

  #ageMsMax(): number {
    const { connectionMsMax } = this.#options;
    // Clients that came together do not go together.
    return (connectionMsMax || Number.POSITIVE_INFINITY) * (0.9 + 0.2 * Math.random());
  }

  #onConnection(socket: net.Socket): void {
    this.#sockets.set(socket, performance.now() + this.#ageMsMax());
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', (error) => this.#logger.debug({ err: error }, 'connection'));
    socket.setTimeout(this.#options.peekMsMax, () => socket.destroy());
    let seen = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      const length = Math.min(seen.length, http2Preface.length);
      const mayBeHttp2 = seen.subarray(0, length).equals(http2Preface.subarray(0, length));
      if (mayBeHttp2 && length < http2Preface.length) return;
      socket.off('data', onData);
      socket.pause();
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(seen);
      const server: { emit(event: 'connection', socket: Duplex): boolean } = mayBeHttp2
        ? this.#http2
        : this.#http1;
      server.emit('connection', socket);
      if (!mayBeHttp2) socket.resume();
    };
    socket.on('data', onData);
  }
}
