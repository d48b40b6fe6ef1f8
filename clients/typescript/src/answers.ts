import { retryDelayMs, retryInfoMs } from './retry-delay.ts';

export interface Acknowledged {
  readonly kind: 'acknowledged';
  /** Records of the batch that were not stored. */
  readonly rejected: number;
}

/** It is never worth another try. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: 'conflict' | 'refused';
  readonly message: string;
}

/** For the service, or for what is in between. */
export interface TooLarge {
  readonly kind: 'tooLarge';
  readonly message: string;
}

interface TryAgain {
  readonly kind: 'tryAgain';
  readonly message: string;
  /** The server's, which is not to be shortened. */
  readonly delayMs?: number | undefined;
  /** Somebody in between turns down this batch, and perhaps no other (clause 4.4). */
  readonly isTurnedDown?: boolean;
}

/** What one try to deliver a batch came to (clause 3.2). */
export type Answer = Acknowledged | Refused | TooLarge | TryAgain;

/** What went wrong, whichever protocol said so. */
export interface Failure {
  /** As Connect spells it, for example `already_exists`; absent where the service did not answer. */
  readonly code?: string | undefined;
  readonly message: string;
  /** Of HTTP. */
  readonly status?: number | undefined;
  /** The least delay that the server asks for, where it wants the batch again. */
  readonly retryDelayMs?: number | undefined;
}

const refusals = new Set(['invalid_argument', 'failed_precondition', 'out_of_range']);
/** Payload, address or header too large. */
const tooLarge = new Set([413, 414, 431]);
/** Whoever says so turns down everybody, and not for ever. */
const outages = new Set([401, 403, 404, 407, 408, 429]);

export function judge({ code, message, status = 0, retryDelayMs: delayMs }: Failure): Answer {
  if (code === 'already_exists') return { kind: 'refused', reason: 'conflict', message };
  if (refusals.has(code ?? '')) return { kind: 'refused', reason: 'refused', message };
  const isTooLarge = code
    ? code === 'resource_exhausted' && delayMs === undefined
    : tooLarge.has(status);
  if (isTooLarge) return { kind: 'tooLarge', message };
  const isTurnedDown = !code && status >= 400 && status < 500 && !outages.has(status);
  return { kind: 'tryAgain', delayMs, message, isTurnedDown };
}

/** Spelt as Connect does. Anything else is somebody else's. */
const codes = new Set(
  `canceled unknown invalid_argument deadline_exceeded not_found already_exists permission_denied
  resource_exhausted failed_precondition aborted out_of_range unimplemented internal unavailable
  data_loss unauthenticated`.split(/\s+/),
);

/** The body of a failed unary call of Connect. Anything may stand there: proxies answer too. */
export function readFailure(
  status: number,
  body: Uint8Array,
  retryAfter: string | null | undefined,
): Failure {
  const delayMs = retryDelayMs(retryAfter);
  try {
    const { code, message, details } = JSON.parse(new TextDecoder().decode(body));
    if (codes.has(code)) {
      const said = `${code}: ${message}`;
      return { code, status, message: said, retryDelayMs: retryInfoMs(details) ?? delayMs };
    }
  } catch {
    // Not the service's.
  }
  return { status, message: `HTTP ${status}`, retryDelayMs: delayMs };
}
