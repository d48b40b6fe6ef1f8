import { ServiceError } from '../errors.ts';
import type { RefusalReason } from './refusals.ts';
import { RequestError } from './request-error.ts';
import { Turns } from './turns.ts';

export interface CallLimitsOptions {
  /** Calls in progress, streams among them. */
  readonly callsMax: number;
  readonly streamsMax: number;
  /** Bytes received of all messages that are not complete, or not taken yet. */
  readonly receiveBytesMax: number;
  /** From the header of a unary call to the last byte of its request. */
  readonly requestMsMax: number;
  /** How long a stream may wait for its client's next message. */
  readonly streamIdleMsMax: number;
  readonly streamMsMax: number;
  /** How long a connection lasts, and what is on it; 0: for ever. */
  readonly connectionMsMax: number;
  /** A unary call is answered within so long after the last byte of its request. */
  readonly unaryMsMax: number;
}

/**
 * `watch`: a stream of answers, which lasts as long as somebody listens. `operator`: what is answered
 * however many calls there are.
 */
export type CallKind = 'unary' | 'stream' | 'watch' | 'operator';

/** The part of streams, which are fewer than calls, that those may have open who need no key. */
const openShare = 0.1;

/** The bounds on calls in progress, the same for every protocol. */
export class CallLimits {
  readonly options: CallLimitsOptions;
  /** Whose turn it is, of the requests that have come. */
  readonly turns = new Turns();
  #calls = 0;
  #streams = 0;
  #openCalls = 0;
  #receivedBytes = 0;

  constructor(options: CallLimitsOptions) {
    this.options = options;
  }

  /** In progress, streams among them. */
  get calls(): number {
    return this.#calls;
  }

  get streams(): number {
    return this.#streams;
  }

  /** Counts a call until `end`; gives the error where there are too many. */
  begin(kind: CallKind): RequestError | undefined {
    const { callsMax, streamsMax } = this.options;
    if (kind === 'operator') return undefined;
    if (this.#calls >= callsMax) return overloaded('calls', `${callsMax} calls are in progress`);
    if (kind === 'stream' && this.#streams >= streamsMax) {
      return overloaded('streams', `${streamsMax} streams are open`);
    }
    this.#calls += 1;
    this.#streams += kind === 'stream' ? 1 : 0;
    return undefined;
  }

  /**
   * Counts a call that needs no key, until `endOpen`: there may be few, so that whoever has a key is
   * not kept out by those who have none.
   */
  beginOpen(): RequestError | undefined {
    const { callsMax, streamsMax } = this.options;
    const max = Math.ceil(Math.min(callsMax, streamsMax) * openShare);
    if (this.#openCalls >= max) {
      return overloaded('calls', `${max} calls that need no key are in progress`);
    }
    this.#openCalls += 1;
    return undefined;
  }

  endOpen(): void {
    this.#openCalls -= 1;
  }

  end(kind: CallKind): void {
    if (kind === 'operator') return;
    this.#calls -= 1;
    this.#streams -= kind === 'stream' ? 1 : 0;
  }

  /** Throws where too much is being received. */
  receive(bytes: number): void {
    this.#receivedBytes += bytes;
    const { receiveBytesMax } = this.options;
    if (this.#receivedBytes <= receiveBytesMax) return;
    throw overloaded('receiving', `more than ${receiveBytesMax} bytes are being received`);
  }

  release(bytes: number): void {
    this.#receivedBytes -= bytes;
  }
}

/** A stream or request is past its time. */
export const late = (text: string) => limit('retryable', 'late', text);

export const timedOut = () => new ServiceError('deadline', 'the operation timed out');

/** When a call's own time is over, which begins with its header; never, where it has none. */
export const deadlineOf = (timeoutMs: number | undefined, turns: Turns): number =>
  timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() - turns.lateMs + timeoutMs;

/** Whoever could be told is gone. */
export const cutOff = () =>
  new ServiceError('invalid', 'the connection was lost before the request ended');

/** A request is not begun when more than this part of its time is gone. */
const beginShare = 0.75;
/** What the event loop may take for its own work says nothing of how busy the collector is. */
const pauseMs = 250;

/** What has waited for so long can't be answered in time any more; undefined while it can. */
export const overdue = (waitedMs: number, { unaryMsMax }: CallLimitsOptions) =>
  waitedMs > Math.max(pauseMs, unaryMsMax * beginShare)
    ? new RequestError('overloaded', 'overloaded', 'the collector is busy; not stored')
    : undefined;

const overloaded = (reason: RefusalReason, text: string) => limit('overloaded', reason, text);

const limit = (kind: 'retryable' | 'overloaded', reason: RefusalReason, text: string) =>
  new RequestError(kind, reason, `${text}; that is the limit`);
