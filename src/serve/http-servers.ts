import http from 'node:http';
import http2 from 'node:http2';
import type { RequestListener, SocketServerOptions } from './socket-server.ts';

const windowBytes = 1024 * 1024;
/** What a line of a header counts at the least: RFC 9113, section 6.5.2. */
const headerLineBytesMin = 34;
/** How often HTTP/1.1 connections are looked at for what is late. */
const checkMs = 1000;

/** A server for sockets that it is handed. */
export function createHttp1(options: SocketServerOptions, listener: RequestListener): http.Server {
  const server = http.createServer(
    {
      maxHeaderSize: options.headerBytesMax,
      headersTimeout: options.headerMsMax,
      requestTimeout: Math.max(options.streamMsMax, options.headerMsMax),
      keepAliveTimeout: options.idleMsMax,
      connectionsCheckingInterval: Math.min(options.headerMsMax, checkMs),
      // The router says what is missing.
      requireHostHeader: false,
      // Of two that contradict each other none counts, rather than the first.
      joinDuplicateHeaders: true,
    },
    listener,
  );
  // Whoever expects what we do not know gets what anybody gets: RFC 9110, section 10.1.1.
  server.on('checkExpectation', listener);
  // One that is handed its sockets starts its timeouts only when it believes it listens.
  server.emit('listening');
  return server;
}

/** The same for HTTP/2. */
export function createHttp2(
  options: SocketServerOptions,
  listener: RequestListener,
): http2.Http2Server {
  const server = http2.createServer(
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
    listener as unknown as Parameters<typeof http2.createServer>[1],
  );
  server.on('session', (session) => session.setLocalWindowSize(windowBytes));
  // Before the listener, which is given the same headers.
  server.prependListener('stream', (_stream, headers, _flags, raw) => joinKeys(headers, raw));
  return server;
}

const keyHeader = 'authorization';

/** The library keeps the first of several, whatever the others say. */
function joinKeys(headers: http2.IncomingHttpHeaders, raw: readonly string[]): void {
  if (headers[keyHeader] === undefined || raw.indexOf(keyHeader) === raw.lastIndexOf(keyHeader))
    return;
  const isKey = (_value: string, index: number) => index % 2 === 1 && raw[index - 1] === keyHeader;
  headers[keyHeader] = raw.filter(isKey).join(', ');
}
