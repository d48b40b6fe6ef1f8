import { constants, type ServerHttp2Stream } from 'node:http2';
import { late, timedOut } from '../call-limits.ts';
import { frameOf, onlyMessage, tooLarge } from '../grpc-unary.ts';
import { discardLeftover } from '../http2-sessions.ts';
import type { PlainCall } from '../plain-call.ts';
import type { WholeAnswer } from '../protocol/protocol.ts';
import type { GrpcWay } from '../route.ts';

/** How long the end of a call may take that is given up, before its connection is. */
const graceMs = 5000;

/** What one call is served by. */
export interface GrpcServer {
  readonly way: GrpcWay;
  readonly call: PlainCall;
  /** Of the request, and of its answer. */
  readonly contentType: string;
  refusal(error: unknown): WholeAnswer;
  /** The code of its answer; undefined where it is answered by others. */
  onEnd(code: string | undefined): void;
}

/** A unary call of gRPC, uncompressed, past the request and response that Node makes of a stream. */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream;
  readonly #server: GrpcServer;
  readonly #leave: (sent: Uint8Array) => void;
  readonly #onEnded: () => void;
  readonly #chunks: Uint8Array[] = [];
  /** Since when its client is waited for: for its request, or to read its answer. */
  #waitsSince: number | undefined = performance.now();
  #isAnswered = false;

  constructor(
    stream: ServerHttp2Stream,
    server: GrpcServer,
    leave: (sent: Uint8Array) => void,
    onEnded: () => void,
  ) {
    this.#stream = stream;
    this.#server = server;
    this.#leave = leave;
    this.#onEnded = onEnded;
    stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
    // What becomes of the call says it.
    stream.on('error', ignore);
  }

  /** Refuses what is too slow to come, and gives up an answer that nobody reads. */
  check(now: number, requestMsMax: number): void {
    if (this.#waitsSince === undefined) return;
    const { call } = this.#server;
    const waitedMs = now - this.#waitsSince;
    if (this.#isAnswered) {
      if (waitedMs > requestMsMax) this.#stream.close(constants.NGHTTP2_CANCEL);
      if (waitedMs > requestMsMax + graceMs) this.#stream.session?.destroy();
    } else if (call.timeoutMs !== undefined && waitedMs > call.timeoutMs) this.#fail(timedOut());
    else if (waitedMs > requestMsMax)
      this.#fail(late(`the request took longer than ${requestMsMax} ms`));
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#isAnswered) return;
    const { call, way } = this.#server;
    this.#chunks.push(chunk);
    try {
      call.receive(chunk.length);
      const tooMuch = tooLarge(this.#chunks[0] as Uint8Array, call.bytes, way.bytesMax);
      if (tooMuch) throw tooMuch;
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #onEnd = (): void => {
    if (this.#isAnswered) return;
    this.#waitsSince = undefined;
    this.#serve().catch(this.#fail);
  };

  readonly #onClose = (): void => {
    this.#server.onEnd(this.#server.call.code ?? (this.#isAnswered ? 'ok' : 'canceled'));
    this.#onEnded();
  };

  async #serve(): Promise<void> {
    const { call, way } = this.#server;
    await call.turn();
    const chunks = this.#chunks;
    const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    const message = onlyMessage(bytes);
    const answer = message && way.serve(call, message);
    if (!answer) this.#goElsewhere(bytes);
    else this.#send(await answer);
  }

  #send(message: Uint8Array): void {
    if (!this.#begins()) return;
    const stream = this.#stream;
    stream.on('wantTrailers', sendSuccess);
    stream.respond(
      { ':status': 200, 'content-type': this.#server.contentType },
      { waitForTrailers: true },
    );
    stream.end(frameOf(message));
  }

  readonly #fail = (error: unknown): void => {
    if (this.#begins()) refuse(this.#stream, this.#server.refusal(error));
  };

  /** Whether there is anybody left to answer. */
  #begins(): boolean {
    if (this.#stream.destroyed || this.#stream.closed) return false;
    this.#isAnswered = true;
    this.#waitsSince = performance.now();
    return true;
  }

  #goElsewhere(bytes: Uint8Array): void {
    const stream = this.#stream;
    stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#server.onEnd(undefined);
    this.#onEnded();
    if (!stream.destroyed) this.#leave(bytes);
  }
}

/** The header itself says that there is no more: after an empty body clients wait for the status. */
export function refuse(stream: ServerHttp2Stream, { status, headers }: WholeAnswer): void {
  stream.on('error', ignore).on('finish', discardLeftover);
  stream.respond({ ':status': status, ...headers }, { endStream: true });
}

const ignore = () => {};
const success = { 'grpc-status': '0' };

function sendSuccess(this: ServerHttp2Stream): void {
  this.sendTrailers(success);
}
