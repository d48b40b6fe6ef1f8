import { once } from 'node:events';
import type http2 from 'node:http2';

export interface RawAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly contentEncoding: string | undefined;
  /** From the trailers, or the header where there is nothing else. */
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string;
  readonly body: Buffer;
}

export const ingestPath = (method: string) => `/gravitas.telemetry.v1.IngestService/${method}`;

/** A message as gRPC and streams of Connect frame it. */
export function envelope(message: Uint8Array, flags = 0): Buffer<ArrayBuffer> {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** Opens a POST on an HTTP/2 session, for bytes that no client library would send. */
export function openCall(
  session: http2.ClientHttp2Session,
  path: string,
  headers: http2.OutgoingHttpHeaders,
): http2.ClientHttp2Stream {
  return session.request({ ':method': 'POST', ':path': path, te: 'trailers', ...headers });
}

/** Reads the answer to its end; a reset stream is an error. */
export async function readAnswer(stream: http2.ClientHttp2Stream): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('trailers', (received) => {
    trailers = received;
  });
  const [[headers]] = await Promise.all([once(stream, 'response'), once(stream, 'end')]);
  const grpc = (name: string) => (trailers[name] ?? headers[name]) as string | undefined;
  return {
    status: headers[':status'],
    contentEncoding: headers['content-encoding'],
    grpcStatus: grpc('grpc-status'),
    grpcMessage: decodeURIComponent(grpc('grpc-message') ?? ''),
    body: Buffer.concat(chunks),
  };
}
