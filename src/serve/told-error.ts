import type { IncomingHttpHeaders } from 'node:http';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import {
  BadRequestSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from '../../gen/typescript/google/rpc/error_details_pb.js';
import { type ErrorKind, ServiceError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { Call } from './call.ts';
import { refusalReason } from './refusal-reason.ts';
import type { OnRefused } from './refusals.ts';
import { RequestError } from './request-error.ts';
import { requestIdOf } from './request-id.ts';

/** The one place where errors become codes of gRPC and Connect. */
const codes: Readonly<Record<ErrorKind, Code>> = {
  invalid: Code.InvalidArgument,
  conflict: Code.AlreadyExists,
  unauthenticated: Code.Unauthenticated,
  forbidden: Code.PermissionDenied,
  notFound: Code.NotFound,
  unimplemented: Code.Unimplemented,
  deadline: Code.DeadlineExceeded,
  tooLarge: Code.ResourceExhausted,
  overloaded: Code.ResourceExhausted,
  retryable: Code.Unavailable,
  permanent: Code.FailedPrecondition,
  shuttingDown: Code.Unavailable,
  internal: Code.Internal,
};

export const codeOf = (error: ServiceError): Code => codes[error.kind];

/** What an error is told about: a call, or a request that did not become one. */
export type About = Pick<Call, 'requestId' | 'reachedHandler' | 'code'>;

/** What a request is told about that did not become a call. */
export const refused = (headers: IncomingHttpHeaders): About => ({
  requestId: requestIdOf(headers),
  reachedHandler: false,
  code: undefined,
});

/**
 * Makes of whatever was thrown the error that a client is told, which each protocol then writes in
 * its own way; counts refusals, and logs what nobody expected.
 */
export type Tell = (error: unknown, about: About) => ConnectError;

export function createTell(logger: Logger, onRefused: OnRefused): Tell {
  return (error, about) => {
    const { requestId, reachedHandler } = about;
    const known = expected(error, reachedHandler);
    const reason = refusalReason(known);
    if (reason) onRefused(reason);
    const isOurs = !known || (known instanceof ServiceError && isFault(known));
    if (isOurs) logger.error({ err: error, request_id: requestId }, 'unexpected error');
    const told =
      known instanceof ServiceError
        ? fromServiceError(known)
        : known
          ? shortened(known)
          : new ConnectError('internal error', Code.Internal, undefined, undefined, error);
    told.details.push({ desc: RequestInfoSchema, value: { requestId } });
    told.metadata.set('x-request-id', requestId);
    about.code = codeToString(told.code);
    return told;
  };
}

/** That a caller has left is no error of ours, whatever the library makes of how it did. */
export const unlessLeft = (error: unknown, caller: AbortSignal): unknown =>
  caller.aborted && error === caller.reason && !(error instanceof ServiceError)
    ? new ConnectError('the caller has left', Code.Canceled)
    : error;

/** Many quote what they refuse; gRPC has its errors in a header, which must not be long. */
const messageCharactersMax = 300;

const short = (text: string): string =>
  text.length <= messageCharactersMax
    ? text.toWellFormed()
    : `${text.slice(0, messageCharactersMax).toWellFormed()}…`;

function shortened(error: ConnectError): ConnectError {
  const { rawMessage, code, metadata, cause } = error;
  if (rawMessage === short(rawMessage)) return error;
  return new ConnectError(short(rawMessage), code, metadata, undefined, cause);
}

/** A kind that is ours, unless the door itself gives it because a protocol wants that. */
const isFault = (error: ServiceError) =>
  error.kind === 'internal' && !(error instanceof RequestError);

/** Undefined for what nobody expected. */
function expected(
  error: unknown,
  reachedHandler: boolean,
): ServiceError | ConnectError | undefined {
  if (error instanceof ServiceError) return error;
  if (!(error instanceof ConnectError)) return undefined;
  // Ours, wrapped by the library on its way.
  if (error.cause instanceof ServiceError) return error.cause;
  if (error.code !== Code.Internal) return error;
  // The library calls a message that it can't parse an internal error.
  return reachedHandler ? undefined : new ServiceError('invalid', error.rawMessage);
}

/** With RetryInfo and Retry-After where a retry is worth while, and the field where one is at fault. */
function fromServiceError(error: ServiceError): ConnectError {
  const message = short(error.message);
  const told = new ConnectError(message, codeOf(error), undefined, undefined, error);
  if (error.retryDelayMs !== undefined) {
    const retryDelay = durationFromMs(error.retryDelayMs);
    told.details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
    told.metadata.set('retry-after', String(Math.ceil(error.retryDelayMs / 1000)));
  }
  if (error instanceof RequestError) {
    for (const [name, value] of Object.entries(error.http.headers ?? {})) {
      told.metadata.set(name, value);
    }
  }
  if (error.field !== undefined) {
    const fieldViolations = [{ field: short(error.field), description: message }];
    told.details.push({
      desc: BadRequestSchema,
      value: create(BadRequestSchema, { fieldViolations }),
    });
  }
  return told;
}
