import http from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { HttpRequest, HttpResponse, Post } from '../transport.ts';

const connectMsMax = 1000;

export interface NodePost {
  readonly post: Post;
  close(): void;
}

/**
 * Requests over kept connections. In the background they don't keep the process alive: the end of
 * the process waits by itself, and not for long.
 */
export function nodePost(tls: ConnectionOptions | undefined, background: boolean): NodePost {
  const plain = new http.Agent({ keepAlive: true });
  const secure = new https.Agent({ keepAlive: true, ...tls });
  return {
    post: (request) => {
      const isSecure = request.url.startsWith('https:');
      const agent = isSecure ? secure : plain;
      return send(isSecure ? https.request : http.request, agent, request, background);
    },
    close: () => {
      plain.destroy();
      secure.destroy();
    },
  };
}

function send(
  start: typeof http.request,
  agent: http.Agent,
  { url, headers, body, signal }: HttpRequest,
  background: boolean,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const request = start(url, {
      agent,
      signal,
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
    });
    request.on('error', reject);
    request.on('socket', (socket) => {
      if (background) socket.unref();
      if (!socket.connecting) return;
      const timer = setTimeout(
        () => request.destroy(new Error(`no connection within ${connectMsMax} ms`)),
        connectMsMax,
      );
      if (background) timer.unref();
      socket.once(agent instanceof https.Agent ? 'secureConnect' : 'connect', () =>
        clearTimeout(timer),
      );
      socket.once('close', () => clearTimeout(timer));
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
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
