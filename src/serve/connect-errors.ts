import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import {
  BadRequestSchema,
  RetryInfoSchema,
} from '../../gen/typescript/google/rpc/error_details_pb.js';
import { type ErrorKind, ServiceError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { refusalReason } from './refusal-reason.ts';
import type { OnRefused } from './refusals.ts';

/** The one place where errors become codes of gRPC and Connect. */
const codes: Readonly<Record<ErrorKind, Code>> = {
  invalid: Code.InvalidArgument,
  conflict: Code.AlreadyExists,
  unauthenticated: Code.Unauthenticated,
  overloaded: Code.ResourceExhausted,
  retryable: Code.Unavailable,
  permanent: Code.FailedPrecondition,
  shuttingDown: Code.Unavailable,
};

export const codeOf = (error: ServiceError): Code => codes[error.kind];

/** With RetryInfo and Retry-After where a retry is worth while, and the field where one is at fault. */
export function toConnectError(error: ServiceError): ConnectError {
  const connectError = new ConnectError(error.message, codeOf(error), undefined, undefined, error);
  if (error.retryDelayMs !== undefined) {
    connectError.details.push({
      desc: RetryInfoSchema,
      value: create(RetryInfoSchema, { retryDelay: durationFromMs(error.retryDelayMs) }),
    });
    connectError.metadata.set('retry-after', String(Math.ceil(error.retryDelayMs / 1000)));
  }
  if (error.field !== undefined) {
    const violation = { field: error.field, description: error.message };
    connectError.details.push({
      desc: BadRequestSchema,
      value: create(BadRequestSchema, { fieldViolations: [violation] }),
    });
  }
  return connectError;
}

/** In the words of the library that serves the other protocols. */
export const messageTooLarge = (bytes: number, bytesMax: number) =>
  new ConnectError(
    `message size ${bytes} is larger than configured readMaxBytes ${bytesMax}`,
    Code.ResourceExhausted,
  );

/** What a client is told of what a handler threw. */
export type Translate = (error: unknown, method: string) => ConnectError;

/** Turns what handlers throw into errors that say something, counts refusals, and logs what nobody expected. */
export function translation(logger: Logger, onRefused: OnRefused): Translate {
  return (error, method) => {
    const reason = refusalReason(error);
    if (reason) onRefused(reason);
    if (error instanceof ConnectError) return error;
    if (error instanceof ServiceError) return toConnectError(error);
    logger.error({ err: error, method }, 'unexpected error');
    return new ConnectError('internal error', Code.Internal, undefined, undefined, error);
  };
}

export function errorInterceptor(translate: Translate): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: translated(response.message, request.method.name) };
    } catch (error) {
      throw translate(error, request.method.name);
    }
  };

  async function* translated<T>(messages: AsyncIterable<T>, method: string): AsyncGenerator<T> {
    try {
      yield* messages;
    } catch (error) {
      throw translate(error, method);
    }
  }
}
