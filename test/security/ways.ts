import http2 from 'node:http2';
import { text } from 'node:stream/consumers';

/** How a request was received, whatever protocol said so. */
export type Reception = 'unauthenticated' | 'forbidden' | 'let in';

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A way in: asks for something, and tells how it was received. */
export interface Way {
  ask(request: Ask): Promise<Reception>;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly grpcStatus: string | undefined;
}

/** Connect, plain HTTP, gRPC and gRPC-Web, each as it says such things. */
function receptionOf({ status, body: sent, grpcStatus }: Answer, contentType: string): Reception {
  // Of gRPC-Web as text.
  const body = contentType.includes('web-text') ? Buffer.from(sent, 'base64').toString() : sent;
  const told = grpcStatus ?? /grpc-status: (\d+)/.exec(body)?.[1];
  const code = /"code":"(\w+)"/.exec(body)?.[1];
  if (status === 401 || told === '16' || code === 'unauthenticated') return 'unauthenticated';
  if (status === 403 || told === '7' || code === 'permission_denied') return 'forbidden';
  return 'let in';
}

function overHttp1(baseUrl: string): Way {
  return {
    async ask({ method, path, contentType, headers }) {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { ...headers, 'content-type': contentType },
        body: method === 'POST' ? '{}' : null,
        signal: AbortSignal.timeout(20_000),
      });
      const grpcStatus = response.headers.get('grpc-status') ?? undefined;
      const body = await response.text();
      return receptionOf({ status: response.status, body, grpcStatus }, contentType);
    },
    close() {},
  };
}

function overHttp2(baseUrl: string): Way {
  const session = http2.connect(baseUrl);
  return {
    async ask({ method, path, contentType, headers }) {
      const own = { ':method': method, ':path': path, 'content-type': contentType };
      const call = session.request({ ...headers, ...own, te: 'trailers' });
      const answered = Promise.withResolvers<http2.IncomingHttpHeaders>();
      let trailers: http2.IncomingHttpHeaders = {};
      call.once('trailers', (received) => {
        trailers = received;
      });
      call.once('response', answered.resolve).once('error', answered.reject);
      call.end(method === 'POST' ? '{}' : undefined);
      const { ':status': status, ...header } = await answered.promise;
      const body = await text(call);
      const grpcStatus = (trailers['grpc-status'] ?? header['grpc-status']) as string | undefined;
      return receptionOf({ status: Number(status), body, grpcStatus }, contentType);
    },
    close: () => session.destroy(),
  };
}

/** Every way in that there is: the suite puts each route through each of them. */
export const ways: Readonly<Record<string, (baseUrl: string) => Way>> = {
  'HTTP/1.1': overHttp1,
  'HTTP/2': overHttp2,
};
