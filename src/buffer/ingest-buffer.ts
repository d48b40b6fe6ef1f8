import { retryDelayMs, ServiceError } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import type { Acknowledgement, Batch, CommitGroup, Ending } from './batch.ts';
import { HeldBatch, type HeldSettlement } from './held-batch.ts';
import { Lane, type LaneOptions } from './lane.ts';

export type LaneName = 'unary' | 'stream';

export interface Admitted {
  readonly acknowledged: Promise<Acknowledgement>;
}

/** What accept sees of the buffer. */
export interface BatchSink {
  /**
   * For callers that need an answer soon: refuses at once where there is no room, and at
   * `deadline` takes back what no writer has taken yet.
   */
  offer(batch: Batch, lane: LaneName, deadline: Ending): Promise<Acknowledgement>;

  /**
   * For callers that can be held back: resolves when the batch has room, with the promise of its
   * acknowledgement. `signal` ends either wait; what has room is stored all the same.
   */
  admit(batch: Batch, signal: AbortSignal): Promise<Admitted>;

  /** The same where there is room at once, and undefined otherwise; its caller waits to the end. */
  admitNow(batch: Batch): Admitted | undefined;
}

/**
 * The bounded wait between accept and commit: one lane for unary requests and one for streams,
 * each with its own room and its own writers, so that neither delays the other.
 *
 * Acknowledgements come once the batch is durable; otherwise there is a `ServiceError`, and only after
 * `retryable` may the batch have been stored all the same.
 */
export class IngestBuffer implements BatchSink {
  readonly #lanes: Readonly<Record<LaneName, Lane>>;
  readonly #accounting: Accounting;
  /** What is held, by batch id: equal ids never travel together. */
  readonly #held = new Map<string, HeldBatch>();
  #closed = false;

  constructor(
    lanes: Readonly<Record<LaneName, LaneOptions>>,
    stores: Readonly<Record<LaneName, CommitGroup>>,
    accounting: Accounting,
  ) {
    this.#lanes = {
      unary: new Lane(lanes.unary, stores.unary),
      stream: new Lane(lanes.stream, stores.stream),
    };
    this.#accounting = accounting;
  }

  /** Batches held. */
  get depth(): number {
    return this.#lanes.unary.batches + this.#lanes.stream.batches;
  }

  get bytes(): number {
    return this.#lanes.unary.bytes + this.#lanes.stream.bytes;
  }

  /** Whether records wait for their writers. */
  get isPressed(): boolean {
    return this.#lanes.unary.isPressed || this.#lanes.stream.isPressed;
  }

  offer(batch: Batch, laneName: LaneName, deadline: Ending): Promise<Acknowledgement> {
    const twin = this.#held.get(batch.id);
    if (twin) return twin.untilSettled(deadline).then(() => this.offer(batch, laneName, deadline));
    if (this.#closed) return Promise.reject(shuttingDown());
    const lane = this.#lanes[laneName];
    if (!lane.tryReserve(batch)) return Promise.reject(overloaded(lane.settledInMs));
    const held = this.#hold(batch);
    lane.offer(batch, held);
    held.waitUntil(deadline, () => lane.withdraw(batch, notTaken()));
    return held.acknowledged;
  }

  async admit(batch: Batch, signal: AbortSignal): Promise<Admitted> {
    for (let twin = this.#held.get(batch.id); twin; twin = this.#held.get(batch.id)) {
      await twin.untilSettled(signal);
    }
    if (this.#closed) throw shuttingDown();
    const held = this.#hold(batch);
    held.acknowledged.catch(() => {});
    const lane = this.#lanes.stream;
    try {
      await lane.reserve(batch, signal);
    } catch (error) {
      held.failed(error);
      throw error;
    }
    lane.offer(batch, held);
    held.waitUntil(signal);
    return held;
  }

  admitNow(batch: Batch): Admitted | undefined {
    const lane = this.#lanes.stream;
    if (this.#closed || this.#held.has(batch.id) || !lane.tryReserve(batch)) return undefined;
    const held = this.#hold(batch);
    lane.offer(batch, held);
    return held;
  }

  /** Refuses new batches and commits those held. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = shuttingDown();
    await Promise.all([this.#lanes.unary.drain(reason), this.#lanes.stream.drain(reason)]);
  }

  /**
   * A twin that is under way goes first; the ledger then knows what this one is. Of several that
   * wait only one may follow: nothing is awaited between asking for twins and this.
   */
  #hold(batch: Batch): HeldBatch {
    const held = new HeldBatch(batch, this.#onSettled);
    this.#held.set(batch.id, held);
    this.#accounting.received(batch.answer);
    return held;
  }

  readonly #onSettled = ({ id, answer }: Batch, settlement: HeldSettlement): void => {
    this.#accounting.settled(answer, settlement);
    this.#held.delete(id);
  };
}

const retryDelayMsMin = 100;
const retryDelayMsMax = 30_000;

/** With the time after which there should be room again, as far as that can be told. */
const overloaded = (settledInMs = retryDelayMs) =>
  new ServiceError('overloaded', 'the buffer is full: the database is slower than what arrives', {
    retryDelayMs: Math.ceil(Math.min(Math.max(settledInMs, retryDelayMsMin), retryDelayMsMax)),
  });

const notTaken = () =>
  new ServiceError('retryable', 'the database is not taking data at the moment; not stored');

const shuttingDown = () => new ServiceError('shuttingDown', 'the collector is shutting down');
