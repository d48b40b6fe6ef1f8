import { fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { RetryInfoSchema } from '../gen/google/rpc/error_details_pb.js';

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

interface TryAgain {
  readonly kind: 'tryAgain';
  readonly message: string;
  /** The server's, which is not to be shortened. */
  readonly delayMs?: number | undefined;
}

/** What one try to deliver a batch came to (clause 3.2). */
export type Answer = Acknowledged | Refused | TryAgain;

/** What went wrong, whichever protocol said so. */
export interface Failure {
  /** As Connect spells it, for example `already_exists`; absent where nobody answered. */
  readonly code?: string | undefined;
  readonly message: string;
  /** The least delay that the server asks for, where it wants the batch again. */
  readonly retryDelayMs?: number | undefined;
}

const refusals = new Set(['invalid_argument', 'failed_precondition', 'out_of_range']);

export function judge({ code, message, retryDelayMs }: Failure): Answer {
  if (code === 'already_exists') return { kind: 'refused', reason: 'conflict', message };
  const tooLarge = code === 'resource_exhausted' && retryDelayMs === undefined;
  if (tooLarge || refusals.has(code ?? '')) return { kind: 'refused', reason: 'refused', message };
  return { kind: 'tryAgain', delayMs: retryDelayMs, message };
}

/** The body of a failed unary call of Connect. Anything may stand there: proxies answer too. */
export function readFailure(
  status: number,
  body: Uint8Array,
  retryAfter: string | null | undefined,
): Failure {
  const failure = { message: `HTTP ${status}`, retryDelayMs: secondsToMs(retryAfter) };
  try {
    const { code, message, details } = JSON.parse(new TextDecoder().decode(body));
    return {
      code: typeof code === 'string' ? code : undefined,
      message: `${code}: ${message}`,
      retryDelayMs: retryDelayOf(details) ?? failure.retryDelayMs,
    };
  } catch {
    return failure;
  }
}

function secondsToMs(text: string | null | undefined): number | undefined {
  const seconds = Number(text || Number.NaN);
  return seconds >= 0 ? seconds * 1000 : undefined;
}

function retryDelayOf(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  const detail = details.find(({ type }) => type === RetryInfoSchema.typeName);
  if (!detail) return undefined;
  const { retryDelay } = fromBinary(RetryInfoSchema, base64Decode(detail.value));
  return retryDelay && durationMs(retryDelay);
}
