import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { WholeAnswer } from '../protocol/protocol.ts';
import { GrpcCall, type GrpcServer, refuse } from './grpc-call.ts';

/** What serves a call, or why nobody does; undefined where it is to be served otherwise. */
export type BeginGrpc = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
) => GrpcServer | WholeAnswer | undefined;

const checkMs = 1000;

/** The unary calls of gRPC that are served past Node's requests and responses. */
export class GrpcCalls {
  readonly #begin: BeginGrpc;
  readonly #requestMsMax: number;
  readonly #onActive: (change: 1 | -1) => void;
  readonly #calls = new Set<GrpcCall>();
  readonly #checks = setInterval(() => this.#check(), checkMs).unref();

  /** `requestMsMax`: of a request until it has come, and of an answer until it is read. */
  constructor(begin: BeginGrpc, requestMsMax: number, onActive: (change: 1 | -1) => void) {
    this.#begin = begin;
    this.#requestMsMax = requestMsMax;
    this.#onActive = onActive;
  }

  /** Whether it serves a call; `leave` is told what was sent of one that it can't answer after all. */
  take(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    leave: (sent: Uint8Array) => void,
  ): boolean {
    const server = this.#begin(stream, headers);
    if (!server) return false;
    if ('status' in server) {
      refuse(stream, server);
      return true;
    }
    const call = new GrpcCall(stream, server, leave, () => {
      this.#calls.delete(call);
      this.#onActive(-1);
    });
    this.#calls.add(call);
    this.#onActive(1);
    return true;
  }

  close(): void {
    clearInterval(this.#checks);
  }

  #check(): void {
    const now = performance.now();
    for (const call of this.#calls) call.check(now, this.#requestMsMax);
  }
}
