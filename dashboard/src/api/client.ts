import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { DeadLetterService } from '../../../gen/typescript/gravitas/telemetry/v1/dead_letter_pb.js';
import { KeyService } from '../../../gen/typescript/gravitas/telemetry/v1/key_pb.js';
import { QueryService } from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { key } from '../state/session.ts';

const withKey: Interceptor = (next) => (request) => {
  if (key.peek()) request.header.set('authorization', `Bearer ${key.peek()}`);
  return next(request);
};

/**
 * By gRPC-Web, whose refusals are answers like others: browsers log those of HTTP as errors of the page,
 * though that one has to ask for a key, or may not see keys, is none.
 */
const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  interceptors: [withKey],
});

export const query = createClient(QueryService, transport);
export const deadLetters = createClient(DeadLetterService, transport);
export const keys = createClient(KeyService, transport);

/** Why there is no answer, as the page tells it apart. */
export type Refusal =
  | 'unauthenticated'
  | 'forbidden'
  | 'missing'
  | 'away'
  | 'cancelled'
  | 'late'
  | 'failed';

const refusals: Readonly<Partial<Record<Code, Refusal>>> = {
  [Code.Unauthenticated]: 'unauthenticated',
  [Code.PermissionDenied]: 'forbidden',
  [Code.Unimplemented]: 'missing',
  [Code.Canceled]: 'cancelled',
  [Code.DeadlineExceeded]: 'late',
};

/** A question that was not answered. */
export class Unanswered {
  readonly refusal: Refusal;
  readonly message: string;
  /** What the collector's log knows the request by. */
  readonly requestId: string | undefined;

  constructor(cause: unknown) {
    const error = ConnectError.from(cause);
    this.requestId = error.metadata.get('x-request-id') ?? undefined;
    // What never reached the collector has no code of its; a proxy that can't reach it answers for it.
    const isUnreachable = error.code === Code.Unknown && error.cause instanceof TypeError;
    const isOfProxy = error.code === Code.Unavailable && this.requestId === undefined;
    this.refusal = isUnreachable || isOfProxy ? 'away' : (refusals[error.code] ?? 'failed');
    this.message = error.rawMessage;
  }
}
