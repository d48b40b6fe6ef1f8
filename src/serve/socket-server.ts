import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../observe/logger.ts';
import type { OnRefused } from './refusals.ts';

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
  readonly onRefused: OnRefused;
}

/** Node's HTTP/2 server gives objects of the same use. */
export type Request = http.IncomingMessage;
export type Response = http.ServerResponse;
export type RequestListener = (request: Request, response: Response) => void;

/** What an HTTP/2 connection begins with; no HTTP/1.1 method does. */
const http2Preface = Buffer.from('PRI');
const windowBytes = 1024 * 1024;
/** How long a call that is answered may go on sending before it is reset. */
const leftoverMsMax = 1000;
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
  readonly #sockets = new Set<net.Socket>();
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
      },
      this.#onRequest,
    );
    // A server that is handed its sockets starts its timeouts only when it believes it listens.
    this.#http1.emit('listening');
    this.#http2 = http2.createServer(
      {
        settings: {
          initialWindowSize: windowBytes,
          maxConcurrentStreams: options.streamsPerConnectionMax,
          maxHeaderListSize: options.headerBytesMax,
        },
        streamResetBurst: options.resetsMax,
        streamResetRate: Math.ceil(options.resetsMax / 30),
      },
      // Typed as if they differed in what is used of them.
      this.#onRequest as unknown as Parameters<typeof http2.createServer>[1],
    );
    this.#http2.on('session', (session) => {
      session.setLocalWindowSize(windowBytes);
      endIdleSession(session, options.idleMsMax);
    });
    this.#http2.on('stream', discardLeftover);
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

  /** Accepts no more connections, waits for the calls under way, and closes what is left. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#tcp.close();
    this.#idle = Promise.withResolvers<void>();
    if (this.#active === 0 || deadline.aborted) this.#idle.resolve();
    deadline.addEventListener('abort', () => this.#idle?.resolve(), { once: true });
    await this.#idle.promise;
    for (const socket of this.#sockets) socket.destroy();
    // Stops the timer that looks for late requests.
    this.#http1.close();
  }

  readonly #onRequest = (request: Request, response: Response): void => {
    this.#active += 1;
    response.once('close', () => {
      this.#active -= 1;
      if (this.#active === 0) this.#idle?.resolve();
    });
    try {
      this.#listener(request, response);
    } catch (error) {
      this.#logger.debug({ err: error }, 'unreadable request');
      if (!response.headersSent) response.writeHead(400);
      response.end();
    }
  };

  #onConnection(socket: net.Socket): void {
    this.#sockets.add(socket);
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

/**
 * Lets go of a call that is answered before all of its request has come. Unread, the rest would
 * keep the stream open, and one of the few that its connection may have, for good. It is not reset
 * at once: there are clients that then forget the answer.
 */
function discardLeftover(stream: http2.ServerHttp2Stream): void {
  stream.once('finish', () => {
    if (stream.readableEnded) return;
    stream.removeAllListeners('data').resume();
    const timer = setTimeout(() => stream.close(http2.constants.NGHTTP2_NO_ERROR), leftoverMsMax);
    stream.once('close', () => clearTimeout(timer));
  });
}

/**
 * Ends a session on which no call is open for so long. Node's own timeout would also be put off by
 * a PING, and closing instead of destroying waits for the client.
 */
function endIdleSession(session: http2.ServerHttp2Session, idleMsMax: number): void {
  let streams = 0;
  const timer = setTimeout(() => {
    if (streams === 0) session.destroy();
  }, idleMsMax);
  session.on('stream', (stream) => {
    streams += 1;
    stream.once('close', () => {
      streams -= 1;
      if (streams === 0) timer.refresh();
    });
  });
  session.once('close', () => clearTimeout(timer));
}
