import http from 'node:http';
import http2 from 'node:http2';
import { discardLeftover } from './http2-sessions.ts';
import type { Request, RequestListener, Response, SocketServerOptions } from './socket-server.ts';

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

/** Whether it serves a call by its stream; `leave` is told what was sent of one that it can't after all. */
export type TakeStream = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  leave: (sent: Uint8Array) => void,
) => boolean;

/** The same for HTTP/2, for the streams that nobody takes. */
export function createHttp2(
  options: SocketServerOptions,
  listener: RequestListener,
  take: TakeStream,
): http2.Http2Server {
  let left: Uint8Array | undefined;
  const onRequest = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
    if (left) {
      request.push(left);
      request.push(null);
    }
    left = undefined;
    // Typed as if they differed in what is used of them.
    listener(request as unknown as Request, response as unknown as Response);
  };
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
    onRequest,
  );
  server.on('session', (session) => session.setLocalWindowSize(windowBytes));
  // What makes requests and responses of streams, and calls the listener.
  const [makeRequest] = server.listeners('stream') as [StreamListener];
  server.off('stream', makeRequest);
  server.on('stream', (stream, headers, flags, raw) => {
    joinKeys(headers, raw);
    const leave = (sent?: Uint8Array) => {
      left = sent;
      stream.on('finish', discardLeftover);
      makeRequest(stream, headers, flags, raw);
    };
    if (!take(stream, headers, leave)) leave();
  });
  return server;
}

type StreamListener = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  flags: number,
  raw: readonly string[],
) => void;

const keyHeader = 'authorization';

/** The library keeps the first of several, whatever the others say. */
function joinKeys(headers: http2.IncomingHttpHeaders, raw: readonly string[]): void {
  if (headers[keyHeader] === undefined || raw.indexOf(keyHeader) === raw.lastIndexOf(keyHeader))
    return;
  const isKey = (_value: string, index: number) => index % 2 === 1 && raw[index - 1] === keyHeader;
  headers[keyHeader] = raw.filter(isKey).join(', ');
}
