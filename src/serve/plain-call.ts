import type { IncomingHttpHeaders } from 'node:http';
import type { Call } from './call.ts';
import { type CallLimits, deadlineOf, overdue, timedOut } from './call-limits.ts';
import type { Caller } from './caller.ts';
import { requestIdOf } from './request-id.ts';

/** What a handler has to know of a call whose request is there as a whole. */
export type WholeCall = Pick<
  Call,
  'caller' | 'requestId' | 'reachedHandler' | 'code' | 'parameter' | 'remainingMs'
>;

/** A call whose whole request is there before its turn comes: from then on its answer has its time. */
export class PlainCall implements WholeCall {
  readonly caller: Caller;
  reachedHandler = false;
  code: string | undefined;
  readonly #limits: CallLimits;
  readonly #headers: IncomingHttpHeaders;
  /** Milliseconds that the caller gives it, of the answer too; undefined: as many as it takes. */
  readonly timeoutMs: number | undefined;
  /** Received of its request. */
  bytes = 0;
  readonly #endsAt: number;
  #cameAt = 0;
  #requestId: string | undefined;

  constructor(
    limits: CallLimits,
    caller: Caller,
    headers: IncomingHttpHeaders,
    timeoutMs: number | undefined,
  ) {
    this.#limits = limits;
    this.caller = caller;
    this.#headers = headers;
    this.timeoutMs = timeoutMs;
    this.#endsAt = deadlineOf(timeoutMs, limits.turns);
  }

  get requestId(): string {
    this.#requestId ??= requestIdOf(this.#headers);
    return this.#requestId;
  }

  /** A plain post has an address without any. */
  parameter(): undefined {
    return undefined;
  }

  remainingMs(msMax: number): number {
    return Math.max(0, Math.min(this.#cameAt + msMax, this.#endsAt) - performance.now());
  }

  /** Throws where more is being received than may be. */
  receive(bytes: number): void {
    this.bytes += bytes;
    this.#limits.receive(bytes);
  }

  /**
   * The request has come. Undefined where it is its turn, and otherwise resolves when it is; throws,
   * or is rejected, where nobody could serve it in time.
   */
  turn(): Promise<void> | undefined {
    const { turns } = this.#limits;
    this.#cameAt = performance.now() - turns.lateMs;
    if (turns.isNow()) {
      this.#checkTime();
      return undefined;
    }
    return new Promise<void>((resolve) => turns.begin(resolve)).then(() => this.#checkTime());
  }

  #checkTime(): void {
    const now = performance.now();
    // A caller in a hurry does not make the collector busy.
    const isTimedOut = now >= this.#endsAt;
    const refusal = isTimedOut ? timedOut() : overdue(now - this.#cameAt, this.#limits.options);
    if (refusal) throw refusal;
  }

  end(): void {
    this.#limits.release(this.bytes);
    this.#limits.end('unary');
  }
}
