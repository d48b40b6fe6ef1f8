import type { ConnectError } from '@connectrpc/connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { Protocol } from './protocol.ts';

/**
 * gRPC: HTTP 200 always, and the status in the trailers, or in the header where nothing else is
 * said. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
 */
export const grpc: Protocol = {
  unknownPath: 'unimplemented',
  refuse: (error, contentType) => ({
    status: 200,
    headers: {
      'content-type': contentType,
      ...Object.fromEntries(setGrpcStatus(new Headers(), error)),
    },
    body: new Uint8Array(),
  }),
  retell(response, failure) {
    const { body, trailer } = response;
    if (!body || !trailer) return response;
    async function* retold(chunks: AsyncIterable<Uint8Array>, trailers: Headers) {
      yield* chunks;
      if (trailers.get('grpc-status') !== '0') setGrpcStatus(trailers, failure());
    }
    return { ...response, body: retold(body, trailer) };
  },
};

/** Writes a status into trailers: success without an error. */
export function setGrpcStatus(trailers: Headers, error: ConnectError | undefined): Headers {
  setTrailerStatus(trailers, error);
  if (!error) return trailers;
  trailers.set('grpc-message', percentEncoded(error.rawMessage));
  // The library keeps headers of the protocol for itself.
  const accepted = error.metadata.get('grpc-accept-encoding');
  if (accepted) trailers.set('grpc-accept-encoding', accepted);
  return trailers;
}

/** What the protocol wants encoded and no more, which readers that do not decode are glad of. */
const percentEncoded = (message: string) =>
  message.replace(/[^\x20-\x24\x26-\x7e]+/g, (unsafe) =>
    Buffer.from(unsafe).toString('hex').replace(/../g, '%$&').toUpperCase(),
  );
