import type { IncomingHttpHeaders } from 'node:http';
import { newUuidV7 } from '../uuid.ts';

/** Printable, and short enough for a header and a line of the log. */
const ownPattern = /^[\x21-\x7e]{1,128}$/;
/** Neither the version ff nor ids of zeros are any: https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparentPattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;

/** What a request is called in its errors and in the log: its caller's name for it, or a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const own = headers['x-request-id'];
  if (typeof own === 'string' && ownPattern.test(own)) return own;
  const [, traceId] = traceparentPattern.exec(String(headers.traceparent ?? '')) ?? [];
  return traceId ?? newUuidV7();
}
