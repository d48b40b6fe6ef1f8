import type { ClientRequest, IncomingMessage } from 'node:http';
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
    stream: async (request) => {
      route ??= routeTo(request.url, tls);
      const response = await answerTo(start(route, request, isBackground));
      return { ...headOf(response), body: response };
    },
    close: () => {
      route?.agent.destroy();
      route = undefined;
    },
  };
}

async function send(
  route: Route,
  asked: HttpRequest,
  isBackground: boolean,
): Promise<HttpResponse> {
  const request = start(route, asked, isBackground);
  const response = await answerTo(request);
  const chunks: Buffer[] = [];
  let left = isBackground ? acknowledgementBytesMax : answerBytesMax;
  for await (const chunk of response) {
    left -= chunk.length;
    if (left < 0) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return { ...headOf(response), body: Buffer.concat(chunks) };
}

function start(
  route: Route,
  { url, headers, body, signal }: HttpRequest,
  isBackground: boolean,
): ClientRequest {
  const request = route.start(url, {
    signal,
    method: 'POST',
    headers: { ...headers, 'content-length': body.length },
  });
  request.on('socket', (socket) => {
    if (isBackground) socket.unref();
    boundConnecting(request, socket, isBackground);
  });
  request.end(body);
  return request;
}

/** Rejects where there is none. */
function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    // Of an upgrade that nobody asked for nothing else is said.
    request.on('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

const headOf = ({ statusCode, headers }: IncomingMessage) => ({
  status: statusCode ?? 0,
  contentType: headers['content-type'],
  retryAfter: headers['retry-after'],
});

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
