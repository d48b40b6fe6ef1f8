import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { type ErrorKind, ServiceError } from '../errors.ts';
import type { RefusalReason } from './refusals.ts';

const ofKinds: Readonly<Partial<Record<ErrorKind, RefusalReason>>> = {
  invalid: 'invalid',
  conflict: 'conflict',
  unauthenticated: 'unauthenticated',
  overloaded: 'overloaded',
  retryable: 'unavailable',
  shuttingDown: 'shutting_down',
};

const ofCodes: Readonly<Partial<Record<Code, RefusalReason>>> = {
  [Code.InvalidArgument]: 'malformed',
  [Code.ResourceExhausted]: 'too_large',
  [Code.Unimplemented]: 'content_type',
};

const ofStatuses: Readonly<Record<number, RefusalReason>> = {
  400: 'malformed',
  405: 'method',
  415: 'content_type',
  429: 'too_large',
  501: 'content_type',
};

/** Why a handler refuses; undefined where that is counted elsewhere, or is no refusal. */
export function refusalReason(error: unknown): RefusalReason | undefined {
  if (error instanceof ServiceError) {
    const isUnreadable = error.kind === 'invalid' && error.field === undefined;
    return isUnreadable ? 'malformed' : ofKinds[error.kind];
  }
  // The limits on calls count for themselves.
  if (!(error instanceof ConnectError) || error.cause instanceof ServiceError) return undefined;
  return ofCodes[error.code];
}

/**
 * Why the library has answered without asking a handler, from the status that the protocol has.
 * What may be tried again is a limit's doing, and counted there.
 */
export function libraryRefusal({
  status,
  header,
  trailer,
}: UniversalServerResponse): RefusalReason | undefined {
  if (header?.has('retry-after') || trailer?.has('retry-after')) return undefined;
  const grpcStatus = trailer?.get('grpc-status');
  return grpcStatus ? ofCodes[Number(grpcStatus) as Code] : ofStatuses[status];
}

/** The same, from the trailer that gRPC-Web has in its body. */
export function grpcWebRefusal(frame: string): RefusalReason | undefined {
  if (/^retry-after:/m.test(frame)) return undefined;
  const grpcStatus = /^grpc-status: *(\d+)/m.exec(frame)?.[1];
  return grpcStatus ? ofCodes[Number(grpcStatus) as Code] : undefined;
}
