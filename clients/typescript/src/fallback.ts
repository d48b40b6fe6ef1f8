import type { Tally } from './counters.ts';
import type { Batch } from './encode.ts';
import type { Sendable } from './transport.ts';

/** Takes the batches that could not be delivered, and counts them. */
export interface Fallback {
  take(batch: Batch): Promise<void>;
  /** The same at the end of the process, where nothing can be awaited any more. */
  takeNow(batches: readonly Batch[]): void;
  /** Where batches wait to be delivered later. */
  readonly waiting?: WaitingBatches;
}

export interface WaitingBatches {
  /** The oldest; undefined where there is none. */
  next(): Promise<WaitingBatch | undefined>;
  /** Lets others have what was written so far. */
  closeFile(): Promise<void>;
}

export interface WaitingBatch extends Sendable {
  /** It has its answer, and need not be kept. */
  settled(): Promise<void>;
}

/** Writes lines somewhere, whence they may be delivered by other means. */
export class LineFallback implements Fallback {
  readonly #write: (line: string) => void;
  readonly #tally: Tally;

  constructor(write: (line: string) => void, tally: Tally) {
    this.#write = write;
    this.#tally = tally;
  }

  async take(batch: Batch): Promise<void> {
    this.takeNow([batch]);
  }

  takeNow(batches: readonly Batch[]): void {
    for (const batch of batches) {
      try {
        this.#write(batch.line());
        this.#tally.handedOver += batch.records;
      } catch {
        this.#tally.drop('unreachable', batch.records);
      }
    }
  }
}

export class NoFallback implements Fallback {
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  async take(batch: Batch): Promise<void> {
    this.takeNow([batch]);
  }

  takeNow(batches: readonly Batch[]): void {
    for (const { records } of batches) this.#tally.drop('unreachable', records);
  }
}
