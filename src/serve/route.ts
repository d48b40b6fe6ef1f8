import type { Call } from './call.ts';
import type { CallKind } from './call-limits.ts';
import type { RouteScope } from './caller.ts';
import type { WholeCall } from './plain-call.ts';
import type { Request, Response } from './socket-server.ts';

/** How a route serves a body of JSON that is there as a whole. */
export interface PlainWay {
  /** Of the body. */
  readonly mediaType: string;
  readonly bytesMax: number;
  /** The body of an answer with status 200, in JSON. Throws, or is rejected, where it is an error. */
  serve(call: WholeCall, body: Uint8Array): Promise<string>;
}

/** How a route serves the one message of a unary call of gRPC. */
export interface GrpcWay {
  readonly bytesMax: number;
  /** The message of the answer; undefined where this one can't be read, and is to be served otherwise. */
  serve(call: WholeCall, message: Uint8Array): Promise<Uint8Array> | undefined;
}

/** Something that can be asked for, and who answers. */
export interface Route {
  /** Exact, or everything that begins with it where it ends with a slash and is not the root. */
  readonly path: string;
  /** GET stands for HEAD too. */
  readonly methods: readonly string[];
  /** What a POST may carry, as media types without parameters; absent: whatever the route reads. */
  readonly mediaTypes?: readonly string[];
  readonly kind: CallKind;
  /** What its callers need. */
  readonly scope: RouteScope;
  /** Rejected by a `ServiceError`, or by what nobody expected: the router tells either. */
  serve(call: Call, request: Request, response: Response): Promise<void>;
  /** The same for plain posts over HTTP/1.1, if it can do so by itself. */
  readonly plain?: PlainWay;
  /** The same for unary calls of gRPC that are not compressed. */
  readonly grpc?: GrpcWay;
}
