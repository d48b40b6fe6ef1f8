import type { ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import { ServiceError } from '../../errors.ts';
import { RequestError } from '../request-error.ts';
import { type Protocol, toUniversal } from './protocol.ts';

/** How answers are written in JSON: names as in the contract, zeros too. */
export const jsonAnswers = { useProtoFieldName: true, alwaysEmitImplicit: true };

/**
 * Unary Connect, and plain HTTP: an HTTP status, and the error as JSON.
 * https://connectrpc.com/docs/protocol#error-codes
 */
export const connect: Protocol = {
  unknownPath: 'notFound',
  refuse: (error) => ({
    status: statusOf(error),
    headers: { 'content-type': 'application/json', ...Object.fromEntries(error.metadata) },
    body: Buffer.from(JSON.stringify(errorBody(error))),
  }),
  retell(response, failure) {
    if (response.status !== 200) return toUniversal(connect.refuse(failure(), ''), response.header);
    // The library compresses what is large enough for that, where its caller would take it.
    response.header?.append('vary', 'accept-encoding');
    return response;
  },
};

const statusOf = ({ code, cause }: ConnectError): number =>
  (cause instanceof RequestError ? cause.http.status : undefined) ?? codeToHttpStatus(code);

/** With the field at fault beside the details, for whoever reads it without the library. */
function errorBody(error: ConnectError): object {
  const field = error.cause instanceof ServiceError ? error.cause.field : undefined;
  return { ...(errorToJson(error, jsonAnswers) as object), ...(field !== undefined && { field }) };
}
