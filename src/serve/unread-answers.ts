import type http2 from 'node:http2';
import { secondMs } from '../units.ts';
import { cut } from './cut.ts';
import type { Request, Response } from './socket-server.ts';

export interface UnreadOptions {
  /** An answer that is complete, and of which nothing is read for so long, is given up. */
  readonly requestMsMax: number;
  /** Bytes of all answers of which nothing is read at the moment. */
  readonly receiveBytesMax: number;
}

/** How long the end of a call may take that is given up. */
const graceMs = 5000;

interface Answer {
  readonly request: Request;
  /** What of it was not read when it was last looked at. */
  bytes: number;
  /** When some of it was read last. */
  readAtMs: number;
}

/**
 * Ends what nobody reads. A client of HTTP/2 says how much it lets come: one that lets nothing come
 * would keep its answers in our memory, and its calls among those that there may be, for good.
 */
export class UnreadAnswers {
  readonly #options: UnreadOptions;
  readonly #open = new Map<Response, Answer>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  watch(request: Request, response: Response): void {
    this.#open.set(response, { request, bytes: 0, readAtMs: performance.now() });
    response.once('close', () => this.#open.delete(response));
    this.#timer ??= setTimeout(() => this.#look(), secondMs).unref();
  }

  #look(): void {
    const stalled = new Map<Destroyable, number>();
    const nowMs = performance.now();
    for (const [response, answer] of this.#open) {
      const bytes = response.writableLength;
      const connection = connectionOf(response);
      const isStalled = answer.bytes > 0 && bytes >= answer.bytes;
      if (!isStalled && !(response.writableEnded && bytes === answer.bytes))
        answer.readAtMs = nowMs;
      if (isStalled && connection) stalled.set(connection, (stalled.get(connection) ?? 0) + bytes);
      answer.bytes = bytes;
      if (response.writableEnded) this.#giveUp(answer, response, nowMs - answer.readAtMs);
    }
    this.#makeRoom(stalled);
    this.#timer = this.#open.size > 0 ? this.#timer?.refresh() : undefined;
  }

  #giveUp({ request }: Answer, response: Response, unreadMs: number): void {
    const lateMs = unreadMs - this.#options.requestMsMax;
    // Where nothing at all is read of a connection, it can't be told of the end of a call either.
    if (lateMs > graceMs) connectionOf(response)?.destroy();
    else if (lateMs > 0) cut(request, response);
  }

  /** Ends those that keep most. */
  #makeRoom(stalled: ReadonlyMap<Destroyable, number>): void {
    let bytes = [...stalled.values()].reduce((sum, each) => sum + each, 0);
    for (const [connection, kept] of [...stalled].toSorted(([, a], [, b]) => b - a)) {
      if (bytes <= this.#options.receiveBytesMax) return;
      connection.destroy();
      bytes -= kept;
    }
  }
}

interface Destroyable {
  destroy(): unknown;
}

function connectionOf(response: Response): Destroyable | undefined {
  if (!('stream' in response)) return response.socket ?? undefined;
  return (response.stream as http2.ServerHttp2Stream | undefined)?.session;
}
