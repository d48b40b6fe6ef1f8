import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type TailRecord,
  type TailResponse,
  TailResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';
import { surelyWithin } from '../lists/within-message.ts';

/** What waits for a reader that is slower than what comes; the rest is skipped. */
const [waitingMax, waitingBytesMax] = [1000, 1024 * 1024];
/** Of one message. */
const recordsMax = 200;
/** A proxy that sees nothing for longer may close the stream. */
const silenceMs = 10_000;

/** A record and about how many bytes it takes. */
export interface Sized {
  readonly id: string;
  readonly record: TailRecord;
  readonly bytes: number;
}

/** One stream: what waits for it, and what it has missed. */
export class TailReader {
  readonly #perSecondMax: number;
  #waiting: Sized[] = [];
  #bytes = 0;
  #skipped = 0;
  #skippedInAll = 0;
  #asOf: Date | undefined;
  #allowed: number;
  #allowedAt = performance.now();
  #wake = () => {};
  #ending: Error | undefined;
  /** What it was told of at the beginning, and may not be told again. */
  #told = new Set<string>();
  #isHeld = false;

  constructor(perSecondMax: number) {
    this.#perSecondMax = perSecondMax;
    this.#allowed = perSecondMax;
  }

  /** Takes a record, unless there are too many. */
  offer(sized: Sized): void {
    if (this.#told.has(sized.id)) return;
    const nowMs = performance.now();
    const allowed = this.#allowed + ((nowMs - this.#allowedAt) / 1000) * this.#perSecondMax;
    this.#allowed = Math.min(this.#perSecondMax, allowed);
    this.#allowedAt = nowMs;
    const isFull = this.#waiting.length >= waitingMax || this.#bytes >= waitingBytesMax;
    if (this.#allowed < 1 || isFull) {
      this.skip(1);
      return;
    }
    this.#allowed -= 1;
    this.#waiting.push(sized);
    this.#bytes += sized.bytes;
    this.#wake();
  }

  skip(records: number): void {
    if (records === 0) return;
    this.#skipped += records;
    this.#skippedInAll += records;
    this.#wake();
  }

  /** What was committed before is told, or skipped. */
  reached(asOf: Date): void {
    const isFirst = this.#asOf === undefined;
    this.#asOf = asOf;
    if (isFirst) this.#wake();
  }

  /** Keeps what comes until it has been told of what was there before. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Tells what was there before first. What has come meanwhile may be among it. */
  release(recent: readonly Sized[]): void {
    const came = new Set(this.#waiting.map(({ id }) => id));
    const before = recent.filter(({ id }) => !came.has(id));
    this.#told = new Set(before.map(({ id }) => id));
    this.#waiting = [...before, ...this.#waiting];
    this.#isHeld = false;
    this.#wake();
  }

  end(reason: Error): void {
    this.#ending ??= reason;
    this.#wake();
  }

  /** Ends with what ends it: the signal's reason, or the error that it is given. */
  async *responses(signal: AbortSignal): AsyncGenerator<TailResponse> {
    let toldAt = -Infinity;
    for (;;) {
      signal.throwIfAborted();
      if (this.#ending) throw this.#ending;
      const silentFor = performance.now() - toldAt;
      const hasNews = !this.#isHeld && (this.#waiting.length > 0 || this.#skipped > 0);
      if (this.#asOf && !this.#isHeld && (hasNews || silentFor >= silenceMs)) {
        toldAt = performance.now();
        yield this.#take(this.#asOf);
      } else {
        await this.#sleep(signal, toldAt > 0 ? silenceMs - silentFor : silenceMs);
      }
    }
  }

  #take(asOf: Date): TailResponse {
    const taken = this.#waiting.splice(0, this.#countTogether());
    this.#bytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    const told: MessageInitShape<typeof TailResponseSchema> = {
      records: taken.map(({ record }) => record),
      skipped: BigInt(this.#skipped),
      skippedInAll: BigInt(this.#skippedInAll),
      // As long as something waits, not all of it is told.
      ...(this.#waiting.length === 0 && { asOf: timestampFromDate(asOf) }),
    };
    this.#skipped = 0;
    return create(TailResponseSchema, told);
  }

  /** How many of those that wait are one message: one at least. */
  #countTogether(): number {
    let [count, bytes] = [0, 0];
    for (const each of this.#waiting.slice(0, recordsMax)) {
      bytes += each.bytes;
      if (count > 0 && bytes > surelyWithin) break;
      count += 1;
    }
    return count;
  }

  async #sleep(signal: AbortSignal, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms));
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
    this.#wake = () => {};
  }
}
