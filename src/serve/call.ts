import type { ServiceError } from '../errors.ts';
import {
  type CallKind,
  type CallLimits,
  cutOff,
  deadlineOf,
  late,
  overdue,
  timedOut,
} from './call-limits.ts';
import type { Caller, Endable } from './caller.ts';
import { cut } from './cut.ts';
import { requestIdOf } from './request-id.ts';
import type { Request, Response } from './socket-server.ts';

const neverAborted = new AbortController().signal;

/** How long a call that is past its time, or whose caller has lost his right, has to say so. */
const [graceMs, partingMs] = [5000, 500];

/**
 * One admitted call: who makes it, and the bounds on how long and how much it may send. Ends the
 * reading of its request when that takes too long or too much.
 */
export class Call implements Endable {
  readonly caller: Caller;
  readonly kind: CallKind;
  /** Milliseconds that the caller gives it, of the answer too; undefined: as many as it takes. */
  readonly timeoutMs: number | undefined;
  /** Aborted when the call ends, by its caller or its deadline. */
  signal: AbortSignal = neverAborted;
  /** What a handler of the library adds to the end of its answer. */
  trailer: Headers | undefined;
  /** Whether a handler has seen it; until then nothing of ours can have failed. */
  reachedHandler = false;
  /** Of the error that its caller is told, if there is one. */
  code: string | undefined;
  readonly #limits: CallLimits;
  readonly #request: Request;
  readonly #response: Response;
  #requestId: string | undefined;
  #late: ServiceError | undefined;
  /** Ends the present wait for bytes. */
  #refuse: (error: Error) => void = () => {};
  #timers: NodeJS.Timeout[] = [];
  #ended: AbortController | undefined;
  readonly #idle: NodeJS.Timeout | undefined;
  #waiting = false;
  #heldBytes = 0;
  /** When the last byte of the request may have come, at the earliest. */
  #cameAt = performance.now();
  readonly #endsAt: number;

  constructor(
    limits: CallLimits,
    caller: Caller,
    kind: CallKind,
    timeoutMs: number | undefined,
    request: Request,
    response: Response,
  ) {
    this.#limits = limits;
    this.caller = caller;
    this.kind = kind;
    this.timeoutMs = timeoutMs;
    this.#endsAt = deadlineOf(timeoutMs, limits.turns);
    this.#request = request;
    this.#response = response;
    response.once('close', () => this.#close());
    const { requestMsMax, streamMsMax, streamIdleMsMax } = limits.options;
    if (kind === 'operator') return;
    if (timeoutMs !== undefined) this.#after(timeoutMs, timedOut);
    if (kind === 'unary') {
      // What has no body has come.
      if (request.method === 'POST')
        this.#after(requestMsMax, () => late(`the request took longer than ${requestMsMax} ms`));
      return;
    }
    caller.streams.add(this);
    const msMax = kind === 'watch' ? limits.options.connectionMsMax : streamMsMax;
    if (msMax > 0) this.#after(msMax, () => late(`the stream lasted longer than ${msMax} ms`));
    if (kind === 'watch') return;
    this.#idle = setTimeout(() => {
      // A stream that waits for the collector is not idle.
      if (this.#waiting) this.#endLate(() => late(`no message came for ${streamIdleMsMax} ms`));
      else this.#idle?.refresh();
    }, streamIdleMsMax);
  }

  /** What its errors and the log call it. */
  get requestId(): string {
    this.#requestId ??= requestIdOf(this.#request.headers);
    return this.#requestId;
  }

  /** Aborted when a stream's time or its caller's right to it is over, with the error as the reason. */
  get ended(): AbortSignal {
    this.#ended ??= new AbortController();
    return this.#ended.signal;
  }

  /** Ends a stream whose caller has lost his right to it: what was read is still answered. */
  end(reason: ServiceError): void {
    this.#endLate(() => reason);
    this.#timers.push(setTimeout(() => cut(this.#request, this.#response), partingMs));
  }

  /** What its address says beside the path. */
  parameter(name: string): string | undefined {
    const [, query = ''] = /\?(.*)/s.exec(this.#request.url ?? '') ?? [];
    return new URLSearchParams(query).get(name) ?? undefined;
  }

  /** All of a request that has one message; rejected where a limit is hit. */
  whole(): Promise<Uint8Array> {
    const request = this.#request;
    const chunks: Uint8Array[] = [];
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      if (this.#late) reject(this.#late);
      request.on('data', (chunk: Uint8Array) => {
        try {
          this.#receive(chunk);
          chunks.push(chunk);
        } catch (error) {
          reject(error);
        }
      });
      request.once('end', () => {
        const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
        this.#received(() => resolve(bytes), reject);
      });
      request.once('close', () => {
        if (!request.complete) reject(cutOff());
      });
    });
  }

  /** The body of the request in chunks; its end is an error where a limit is hit. */
  async *body(): AsyncGenerator<Uint8Array> {
    const iterator = (this.#request as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    for (;;) {
      this.#waiting = true;
      const { done, value } = await this.#unlessLate(iterator.next());
      this.#waiting = false;
      if (done) break;
      this.#receive(value);
      yield value;
    }
    if (this.kind === 'unary') await new Promise<void>((...done) => this.#received(...done));
  }

  /** How long its answer may still take, of so much in all since the last byte of its request. */
  remainingMs(msMax: number): number {
    return Math.max(0, Math.min(this.#cameAt + msMax, this.#endsAt) - performance.now());
  }

  /** The messages of the request; asking for the next one says that the last has been taken. */
  async *messages<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
    for await (const message of messages) {
      yield message;
      this.#release();
      this.#idle?.refresh();
    }
  }

  #receive(chunk: Uint8Array): void {
    this.#heldBytes += chunk.byteLength;
    this.#limits.receive(chunk.byteLength);
  }

  /** The request has come in time: its turn follows, unless nobody could answer it in time. */
  #received(begin: () => void, refuse: (error: Error) => void): void {
    this.#clearTimers();
    const { turns, options } = this.#limits;
    this.#cameAt = performance.now() - turns.lateMs;
    turns.begin(() => {
      const now = performance.now();
      // A caller in a hurry does not make the collector busy.
      if (now >= this.#endsAt) refuse(timedOut());
      else {
        const refusal = overdue(now - this.#cameAt, options);
        if (refusal) refuse(refusal);
        else begin();
      }
    });
  }

  #close(): void {
    this.#limits.end(this.kind);
    this.caller.streams.delete(this);
    this.#release();
    clearTimeout(this.#idle);
    this.#clearTimers();
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }

  #after(ms: number, error: () => ServiceError): void {
    const refuse = () => {
      this.#endLate(error);
      this.#timers.push(setTimeout(() => cut(this.#request, this.#response), graceMs));
    };
    this.#timers.push(setTimeout(refuse, ms));
  }

  /** Not a race with a promise that lasts as long as the call: that would keep every chunk alive. */
  #unlessLate<T>(next: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      if (this.#late) reject(this.#late);
      next.then(resolve, reject);
    });
  }

  #endLate(error: () => ServiceError): void {
    this.#late ??= error();
    this.#refuse(this.#late);
    this.#ended?.abort(this.#late);
  }

  #release(): void {
    this.#limits.release(this.#heldBytes);
    this.#heldBytes = 0;
  }
}
