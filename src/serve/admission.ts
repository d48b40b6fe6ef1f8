import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { ServiceError } from '../errors.ts';
import { Call } from './call.ts';
import type { CallKind, CallLimits } from './call-limits.ts';
import { anybody, type Caller, type Callers, type Credentials, type RouteScope } from './caller.ts';
import { PlainCall } from './plain-call.ts';
import type { Request, Response } from './socket-server.ts';
import { timeoutMsOf } from './timeout.ts';

/** What the gate has to know of a route. */
export interface Admitted {
  readonly kind: CallKind;
  readonly scope: RouteScope;
}

/** Typed as if there were more in what says who sends it. */
interface WholeRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: Duplex | undefined;
}

/** The one gate: every request passes it once, before anything else looks at it. */
export class Admission {
  readonly #limits: CallLimits;
  readonly #callers: Callers;

  constructor(limits: CallLimits, callers: Callers) {
    this.#limits = limits;
    this.#callers = callers;
  }

  /** The call that a request may become, or why it may not. */
  admit({ kind, scope }: Admitted, request: Request, response: Response): Call | ServiceError {
    const caller = this.#callerOf(request, scope);
    if (caller instanceof ServiceError) return caller;
    const refusal = this.#beginOpen(kind, scope, response) ?? this.#limits.begin(kind);
    if (refusal) return refusal;
    const timeoutMs = timeoutMsOf(request, this.#limits.options.streamMsMax);
    const call = new Call(this.#limits, caller, kind, timeoutMs, request, response);
    return scope === 'query' && kind !== 'watch' ? (beginQuery(call, response) ?? call) : call;
  }

  /** The same of a request to a unary route that is there as a whole. */
  admitWhole({ scope }: Pick<Admitted, 'scope'>, request: WholeRequest): PlainCall | ServiceError {
    const caller = this.#callerOf(request as unknown as Credentials, scope);
    if (caller instanceof ServiceError) return caller;
    const refusal = this.#limits.begin('unary');
    if (refusal) return refusal;
    const timeoutMs = timeoutMsOf(request, this.#limits.options.streamMsMax);
    return new PlainCall(this.#limits, caller, request.headers, timeoutMs);
  }

  #beginOpen(kind: CallKind, scope: RouteScope, response: Response): ServiceError | undefined {
    if (scope !== 'none' || kind === 'operator') return undefined;
    const refusal = this.#limits.beginOpen();
    if (!refusal) response.once('close', () => this.#limits.endOpen());
    return refusal;
  }

  #callerOf(request: Credentials, scope: RouteScope): Caller | ServiceError {
    return scope === 'none' ? anybody : this.#callers.identify(request, scope);
  }
}

/** A query counts until its answer is sent; what lasts is no query. */
function beginQuery({ caller }: Call, response: Response): ServiceError | undefined {
  const { allowance } = caller;
  const refusal = allowance.beginQuery();
  if (refusal) return refusal;
  const beganAt = performance.now();
  response.once('close', () => allowance.endQuery(performance.now() - beganAt));
  return undefined;
}
