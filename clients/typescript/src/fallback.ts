import type { Tally } from './counters.ts';
import type { Batch } from './encode.ts';
import type { Sendable } from './transport.ts';

/** Takes the batches that could not be delivered, and counts them. */
export interface Fallback {
  take(batch: Batch): Promise<void>;
  /** The same at the end of the process, where nothing can be awaited any more. */
  takeNow(batches: readonly Batch[]): void;
  /** Counts a single record that is too large to be sent, and keeps it where it can. */
  setAside(batch: Sendable): Promise<void>;
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
  /** Its turn comes again when the others have had theirs. */
  passOver(): Promise<void>;
}

/** Keeps nothing itself. */
abstract class PassingFallback implements Fallback {
  protected readonly tally: Tally;

  constructor(tally: Tally) {
    this.tally = tally;
  }

  async take(batch: Batch): Promise<void> {
    this.takeNow([batch]);
  }

  async setAside({ records }: Sendable): Promise<void> {
    this.tally.drop('refused', records);
  }

  abstract takeNow(batches: readonly Batch[]): void;
}

/** Writes lines somewhere, whence they may be delivered by other means. */
export class LineFallback extends PassingFallback {
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void, tally: Tally) {
    super(tally);
    this.#write = write;
  }

  override takeNow(batches: readonly Batch[]): void {
    for (const batch of batches) {
      try {
        this.#write(batch.line());
        this.tally.handedOver += batch.records;
      } catch {
        this.tally.drop('unreachable', batch.records);
      }
    }
  }
}

export class NoFallback extends PassingFallback {
  override takeNow(batches: readonly Batch[]): void {
    for (const { records } of batches) this.tally.drop('unreachable', records);
  }
}
