import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Poster } from '../platform.ts';
import { connectMsMax, type HttpRequest, type HttpResponse } from '../transport.ts';
import { type Route, routeTo } from './route.ts';
import type { Tls } from './tls-files.ts';

/** Of what is sent there is little to say; pages of events are long. */
const acknowledgementBytesMax = 1024 * 1024;
const answerBytesMax = 256 * 1024 * 1024;

/**
 * Requests over kept connections. In the background they don't keep the process alive: the end of
 * the process waits by itself, and not for long.
 */
export function nodePoster(tls: Tls, isBackground: boolean): Poster {
  let route: Route | undefined;
  return {
    post: async (request) => {
      // Where there is no way, the next try looks for one again (clause 3.6).
      route ??= routeTo(request.url, tls);
      return send(route, request, isBackground);
    },
    close: () => {
      route?.agent.destroy();
      route = undefined;
    },
  };
}

function send(
  route: Route,
  { url, headers, body, signal }: HttpRequest,
  isBackground: boolean,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const request = route.start(url, {
      signal,
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
    });
    request.on('error', reject);
    request.on('socket', (socket) => {
      if (isBackground) socket.unref();
      boundConnecting(request, socket, isBackground);
    });
    // Whatever comes before it counts, and of an upgrade that nobody asked for nothing else does.
    request.on('close', () => reject(new Error('the connection was closed without an answer')));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let left = isBackground ? acknowledgementBytesMax : answerBytesMax;
      response.on('data', (chunk) => {
        left -= chunk.length;
        if (left >= 0) chunks.push(chunk);
        else request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'],
          retryAfter: response.headers['retry-after'],
          body: Buffer.concat(chunks),
        }),
      );
      response.on('close', () => reject(new Error('the answer was cut')));
    });
    request.end(body);
  });
}

function boundConnecting(request: ClientRequest, socket: Socket, isBackground: boolean): void {
  if (!socket.connecting) return;
  const timer = setTimeout(
    () => request.destroy(new Error(`no connection within ${connectMsMax} ms`)),
    connectMsMax,
  );
  if (isBackground) timer.unref();
  const isSecure = (socket as Partial<TLSSocket>).encrypted === true;
  socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
  socket.once('close', () => clearTimeout(timer));
}
