import { Code, type ConnectError } from '@connectrpc/connect';
import { type ErrorKind, ServiceError } from '../errors.ts';
import type { RefusalReason } from './refusals.ts';
import { RequestError } from './request-error.ts';

const ofKinds: Readonly<Partial<Record<ErrorKind, RefusalReason>>> = {
  invalid: 'invalid',
  conflict: 'conflict',
  unauthenticated: 'unauthenticated',
  forbidden: 'forbidden',
  notFound: 'not_found',
  deadline: 'late',
  tooLarge: 'too_large',
  overloaded: 'overloaded',
  retryable: 'unavailable',
  shuttingDown: 'shutting_down',
};

/** Of the errors that the library has. */
const ofCodes: Readonly<Partial<Record<Code, RefusalReason>>> = {
  [Code.InvalidArgument]: 'malformed',
  [Code.ResourceExhausted]: 'too_large',
  [Code.Unimplemented]: 'content_type',
};

/** What a refusal is counted as; undefined for what is none. */
export function refusalReason(
  error: ServiceError | ConnectError | undefined,
): RefusalReason | undefined {
  if (error instanceof RequestError) return error.reason;
  if (!(error instanceof ServiceError)) return error && ofCodes[error.code];
  const isUnreadable = error.kind === 'invalid' && error.field === undefined;
  return isUnreadable ? 'malformed' : ofKinds[error.kind];
}
