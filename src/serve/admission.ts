import type { ServiceError } from '../errors.ts';
import { anonymous, Call } from './call.ts';
import type { CallKind, CallLimits } from './call-limits.ts';
import type { Request, Response } from './socket-server.ts';
import { timeoutMsOf } from './timeout.ts';

/** The one gate: every request passes it once, before anything else looks at it. */
export class Admission {
  readonly #limits: CallLimits;

  constructor(limits: CallLimits) {
    this.#limits = limits;
  }

  /** The call that a request may become, or why it may not. */
  admit(kind: CallKind, request: Request, response: Response): Call | ServiceError {
    const refusal = this.#limits.begin(kind);
    if (refusal) return refusal;
    const timeoutMs = timeoutMsOf(request, this.#limits.options.streamMsMax);
    return new Call(this.#limits, anonymous, kind, timeoutMs, request, response);
  }
}
