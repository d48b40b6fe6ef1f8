import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Call } from './call.ts';

/** The call that a handler of the library serves. */
export const currentCall = createContextKey<Call | undefined>(undefined);

export function callOf({ values }: HandlerContext): Call {
  const call = values.get(currentCall);
  if (!call) throw new Error('a handler is called past the gate');
  return call;
}
