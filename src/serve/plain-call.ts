import type { Call } from './call.ts';
import { type CallLimits, overdue } from './call-limits.ts';
import type { Caller } from './caller.ts';
import { requestIdOf } from './request-id.ts';

/** What a handler has to know of a call whose request is there as a whole. */
export type WholeCall = Pick<
  Call,
  'caller' | 'requestId' | 'reachedHandler' | 'code' | 'parameter' | 'remainingMs'
>;

/** A call whose whole request was there when it was admitted: it has bounds on its answer only. */
export class PlainCall implements WholeCall {
  readonly caller: Caller;
  reachedHandler = false;
  code: string | undefined;
  readonly #limits: CallLimits;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #cameAt: number;
  #requestId: string | undefined;
  #bytes = 0;

  constructor(limits: CallLimits, caller: Caller, headers: Readonly<Record<string, string>>) {
    this.#limits = limits;
    this.caller = caller;
    this.#headers = headers;
    this.#cameAt = performance.now() - limits.turns.lateMs;
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
    return Math.max(0, msMax - (performance.now() - this.#cameAt));
  }

  /** Resolves when it is its turn, to serve so many bytes; rejected where nobody could do so in time. */
  turn(bytes: number): Promise<void> {
    const limits = this.#limits;
    this.#bytes = bytes;
    return new Promise((resolve, reject) => {
      limits.receive(bytes);
      limits.turns.begin(() => {
        const refusal = overdue(performance.now() - this.#cameAt, limits.options);
        if (refusal) reject(refusal);
        else resolve();
      });
    });
  }

  end(): void {
    this.#limits.release(this.#bytes);
    this.#limits.end('unary');
  }
}
