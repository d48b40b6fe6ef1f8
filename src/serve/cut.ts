import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Request, Response } from './socket-server.ts';

/** How long what a client still sends is listened to when it has its answer. */
const lingerMs = 1000;

/**
 * A client that goes on sending when it has its answer, a refusal most likely, would hold its
 * call, and on HTTP/1.1 its connection, for as long as it likes.
 */
export function endWithAnswer(request: Request, response: Response): void {
  response.once('finish', () => {
    if (request.readableEnded) return;
    discard(request);
    const timer = setTimeout(() => cut(request, response), lingerMs);
    request.once('close', () => clearTimeout(timer));
  });
}

/**
 * Reads on for nobody: on HTTP/1.1 the next request of the connection comes after what is left of
 * this one.
 */
function discard(request: Request): void {
  request.removeAllListeners('readable').removeAllListeners('data');
  // Only then is it known that nobody waits for what is readable.
  process.nextTick(() => request.resume());
}

/** Ends a call, whatever of it is still under way; on HTTP/1.1 its connection with it. */
export function cut(request: Request, response: Response): void {
  if ('stream' in request) {
    const { stream } = request as unknown as { stream: ServerHttp2Stream };
    stream.close(response.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL);
  } else if (!request.complete || !response.writableFinished) request.destroy();
}
