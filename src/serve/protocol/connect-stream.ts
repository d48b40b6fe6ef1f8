import type { ConnectError } from '@connectrpc/connect';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import { endStreamFlag, endStreamToJson } from '@connectrpc/connect/protocol-connect';
import { jsonAnswers } from './connect.ts';
import { type Protocol, replaceEnd } from './protocol.ts';

/**
 * Streams of Connect: HTTP 200 always, and the error in the envelope that ends the stream.
 * https://connectrpc.com/docs/protocol#error-end-stream
 */
export const connectStream: Protocol = {
  unknownPath: 'notFound',
  refuse: (error, contentType) => ({
    status: 200,
    headers: { 'content-type': contentType },
    body: endStream(error),
  }),
  retell: (response, failure, trailer) =>
    replaceEnd(response, {
      flag: endStreamFlag,
      isError: (json) => 'error' in JSON.parse(json),
      encode: () => endStream(failure(), trailer),
    }),
};

function endStream(error: ConnectError, trailer = new Headers()): Uint8Array {
  const json = endStreamToJson(trailer, error, jsonAnswers);
  return encodeEnvelope(endStreamFlag, Buffer.from(JSON.stringify(json)));
}
