import { createContextKey, type HandlerContext, type Interceptor } from '@connectrpc/connect';
import { ServiceError } from '../errors.ts';
import { toConnectError } from './connect-errors.ts';
import { cut } from './cut.ts';
import type { OnRefused, RefusalReason } from './refusals.ts';
import type { Request, Response } from './socket-server.ts';

export interface CallLimitsOptions {
  /** Calls in progress, streams among them. */
  readonly callsMax: number;
  readonly streamsMax: number;
  /** Bytes received of all messages that are not complete, or not taken yet. */
  readonly receiveBytesMax: number;
  /** From the first byte of a unary call to the last of its request. */
  readonly requestMsMax: number;
  /** How long a stream may wait for its client's next message. */
  readonly streamIdleMsMax: number;
  readonly streamMsMax: number;
}

export type CallKind = 'unary' | 'stream';

/** How long a call that is past its time has to say so. */
const graceMs = 5000;
const retryDelayMs = 1000;

/** The bounds on calls in progress, the same for every protocol. */
export class CallLimits {
  readonly options: CallLimitsOptions;
  readonly #onRefused: OnRefused;
  #calls = 0;
  #streams = 0;
  #receivedBytes = 0;

  constructor(options: CallLimitsOptions, onRefused: OnRefused) {
    this.options = options;
    this.#onRefused = onRefused;
  }

  /** Counts a call until its response is closed; gives the error when there are too many. */
  begin(request: Request, response: Response, kind: CallKind): Call | ServiceError {
    const { callsMax, streamsMax } = this.options;
    const streams = kind === 'stream' ? 1 : 0;
    if (this.#calls >= callsMax) return this.#refuse('calls', `${callsMax} calls are in progress`);
    if (this.#streams + streams > streamsMax)
      return this.#refuse('streams', `${streamsMax} streams are open`);
    this.#calls += 1;
    this.#streams += streams;
    const call = new Call(this, kind, () => cut(request, response));
    response.once('close', () => {
      this.#calls -= 1;
      this.#streams -= streams;
      call.end();
    });
    return call;
  }

  receive(bytes: number): void {
    this.#receivedBytes += bytes;
    const { receiveBytesMax } = this.options;
    if (this.#receivedBytes <= receiveBytesMax) return;
    const text = `more than ${receiveBytesMax} bytes are being received`;
    throw toConnectError(this.#refuse('receiving', text));
  }

  release(bytes: number): void {
    this.#receivedBytes -= bytes;
  }

  late(text: string): Error {
    this.#onRefused('late');
    const details = { retryDelayMs };
    return toConnectError(new ServiceError('retryable', `${text}; that is the limit`, details));
  }

  #refuse(reason: RefusalReason, text: string): ServiceError {
    this.#onRefused(reason);
    return new ServiceError('overloaded', `${text}; that is the limit`, { retryDelayMs });
  }
}

/** One call in progress: ends the reading of its request when that takes too long or too much. */
export class Call {
  readonly #limits: CallLimits;
  readonly #cut: () => void;
  #late: Error | undefined;
  /** Ends the present wait for bytes. */
  #refuse: (error: Error) => void = () => {};
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #idle: NodeJS.Timeout | undefined;
  #waiting = false;
  #heldBytes = 0;

  constructor(limits: CallLimits, kind: CallKind, cutConnection: () => void) {
    this.#limits = limits;
    this.#cut = cutConnection;
    const { requestMsMax, streamMsMax, streamIdleMsMax } = limits.options;
    if (kind === 'unary') {
      this.#after(requestMsMax, `the call took longer than ${requestMsMax} ms`);
    } else {
      this.#after(streamMsMax, `the stream lasted longer than ${streamMsMax} ms`);
      const idle = `no message came for ${streamIdleMsMax} ms`;
      this.#idle = setTimeout(() => {
        // A stream that waits for the collector is not idle.
        if (this.#waiting) this.#endLate(idle);
        else this.#idle?.refresh();
      }, streamIdleMsMax);
    }
  }

  /** All of a request that has one message; rejected where a limit is hit. */
  whole(request: Request): Promise<Uint8Array> {
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
      request.once('end', () =>
        resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks)),
      );
      request.once('close', () => {
        if (!request.complete) reject(cutOff());
      });
    });
  }

  /** The body of the request; its end is an error where a limit is hit. */
  async *body(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      this.#waiting = true;
      const { done, value } = await this.#unlessLate(iterator.next());
      this.#waiting = false;
      if (done) return;
      this.#receive(value);
      yield value;
    }
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

  end(): void {
    this.#release();
    clearTimeout(this.#idle);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #after(ms: number, text: string): void {
    const refuse = () => {
      this.#endLate(text);
      this.#timers.push(setTimeout(this.#cut, graceMs));
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

  #endLate(text: string): void {
    this.#late ??= this.#limits.late(text);
    this.#refuse(this.#late);
  }

  #release(): void {
    this.#limits.release(this.#heldBytes);
    this.#heldBytes = 0;
  }
}

/** The call, or why there is none. */
export const currentCall = createContextKey<Call | ServiceError | undefined>(undefined);

/** Refuses before the body is received, in the words of each protocol. */
export function refuseCall({ values }: HandlerContext): void {
  const call = values.get(currentCall);
  if (call instanceof ServiceError) throw toConnectError(call);
}

/** Says of each message of a stream when it has been taken. */
export const takenInterceptor: Interceptor = (next) => (request) => {
  const call = request.contextValues.get(currentCall);
  if (!request.stream || !(call instanceof Call)) return next(request);
  return next({ ...request, message: call.messages(request.message) });
};

/** Whoever could be told is gone. */
const cutOff = () =>
  toConnectError(new ServiceError('invalid', 'the connection was lost before the request ended'));
