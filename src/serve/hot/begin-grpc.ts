import type { Admission } from '../admission.ts';
import { isPlainGrpc, unlessTimedOut } from '../grpc-unary.ts';
import { PlainCall } from '../plain-call.ts';
import type { WholeAnswer } from '../protocol/protocol.ts';
import type { OnAnswered } from '../request-metrics.ts';
import type { RouteTable } from '../route-table.ts';
import { type About, refused } from '../told-error.ts';
import type { BeginGrpc } from './grpc-calls.ts';

interface GrpcParts {
  readonly table: RouteTable;
  readonly admission: Admission;
  readonly onAnswered: OnAnswered;
  refusal(error: unknown, about: About, contentType: string): WholeAnswer;
}

/** Sends unary calls of gRPC through the gate, to routes that take such. */
export const beginGrpc =
  ({ table, admission, onAnswered, refusal }: GrpcParts): BeginGrpc =>
  ({ session }, headers) => {
    const route = table.find(headers[':path'] as string);
    const contentType = headers['content-type'] as string;
    if (!route?.grpc || !isPlainGrpc(headers)) return undefined;
    const call = admission.admitWhole(route, { headers, socket: session?.socket });
    const beganAt = performance.now();
    const ended = (code: string) =>
      onAnswered(route.path, code, performance.now() - beganAt, { method: 'POST', headers });
    if (!(call instanceof PlainCall)) {
      const about = refused(headers);
      const answer = refusal(call, about, contentType);
      ended(about.code ?? 'ok');
      return answer;
    }
    return {
      way: route.grpc,
      call,
      contentType,
      refusal: (error) => {
        call.reachedHandler = true;
        return refusal(unlessTimedOut(call, error), call, contentType);
      },
      onEnd: (code) => {
        call.end();
        if (code !== undefined) ended(code);
      },
    };
  };
