import type { IncomingHttpHeaders } from 'node:http';
import { hourMs, minuteMs, secondMs } from '../units.ts';
import type { Request } from './socket-server.ts';

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests */
const grpcPattern = /^(\d{1,8})([HMSmun])$/;
const unitsMs: Readonly<Record<string, number>> = {
  H: hourMs,
  M: minuteMs,
  S: secondMs,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
/** https://connectrpc.com/docs/protocol#unary-request */
const connectPattern = /^\d{1,10}$/;

/** Whether gRPC's own header says how long, or is not there. */
export const hasReadableTimeout = ({ 'grpc-timeout': timeout }: IncomingHttpHeaders): boolean =>
  timeout === undefined || grpcPattern.test(String(timeout));

/**
 * How long a caller waits, in milliseconds. One who waits longer than `msMax` counts as waiting
 * for ever: its header is dropped, since a timer that is set further than timers reach fires at
 * once.
 */
export function timeoutMsOf(
  { headers }: Pick<Request, 'headers'>,
  msMax: number,
): number | undefined {
  const connect = headers['connect-timeout-ms'];
  if (typeof connect === 'string' && connectPattern.test(connect)) {
    if (Number(connect) <= msMax) return Number(connect);
    delete headers['connect-timeout-ms'];
  }
  const grpc = headers['grpc-timeout'];
  if (grpc === undefined) return undefined;
  const [, count, unit = ''] = grpcPattern.exec(String(grpc)) ?? [];
  if (count === undefined) return undefined;
  const ms = Number(count) * (unitsMs[unit] as number);
  if (ms <= msMax) return ms;
  delete headers['grpc-timeout'];
  return undefined;
}
