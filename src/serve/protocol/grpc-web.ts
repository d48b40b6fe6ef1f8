import type { ConnectError } from '@connectrpc/connect';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import { trailerFlag, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web';
import { setGrpcStatus } from './grpc.ts';
import { base64, isText } from './grpc-web-text.ts';
import { type Protocol, replaceEnd } from './protocol.ts';

/**
 * gRPC-Web: gRPC's trailers in an envelope at the end of the body.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
export const grpcWeb: Protocol = {
  unknownPath: 'unimplemented',
  refuse: (error, contentType) => ({
    status: 200,
    headers: { 'content-type': contentType },
    body: isText(contentType) ? base64(trailers(error)) : trailers(error),
  }),
  retell: (response, failure, trailer) =>
    replaceEnd(response, {
      flag: trailerFlag,
      isError: (text) => !/^grpc-status: *0\r?$/m.test(text),
      encode: () => trailers(failure(), trailer),
    }),
};

const trailers = (error: ConnectError, trailer?: Headers): Uint8Array =>
  encodeEnvelope(trailerFlag, trailerSerialize(setGrpcStatus(new Headers(trailer), error)));
