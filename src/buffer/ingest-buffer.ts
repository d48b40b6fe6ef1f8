import { conflict, retryDelayMs, ServiceError } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import { recordKinds } from '../records/tables.ts';
import type { Acknowledgement, Answer, Batch, CommitGroup, Settlement } from './batch.ts';
import { Lane, type LaneOptions } from './lane.ts';

export type LaneName = 'unary' | 'stream';

export interface Admitted {
  readonly acknowledged: Promise<Acknowledgement>;
}

/** What of an AbortSignal ends a wait. */
export interface Ending {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
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
  readonly #held = new Map<string, Promise<unknown>>();
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

  async offer(batch: Batch, laneName: LaneName, deadline: Ending): Promise<Acknowledgement> {
    while (this.#held.has(batch.id)) await this.#untilTwinSettled(batch, deadline);
    if (this.#closed) throw shuttingDown();
    const lane = this.#lanes[laneName];
    if (!lane.tryReserve(batch)) throw overloaded(lane.settledInMs);
    const settled = this.#hold(batch, lane.offer(batch));
    const onDeadline = () => lane.withdraw(batch, notTaken());
    deadline.addEventListener('abort', onDeadline, { once: true });
    try {
      return acknowledge(batch, await untilAborted(settled, deadline, outcomeUnknown));
    } finally {
      deadline.removeEventListener('abort', onDeadline);
    }
  }

  async admit(batch: Batch, signal: AbortSignal): Promise<Admitted> {
    while (this.#held.has(batch.id)) await this.#untilTwinSettled(batch, signal);
    if (this.#closed) throw shuttingDown();
    const lane = this.#lanes.stream;
    const room = lane.reserve(batch, signal);
    const settled = this.#hold(
      batch,
      room.then(() => lane.offer(batch)),
    );
    settled.catch(() => {});
    await room;
    const settlement = untilAborted(settled, signal, outcomeUnknown);
    return { acknowledged: settlement.then((known) => acknowledge(batch, known)) };
  }

  admitNow(batch: Batch): Admitted | undefined {
    const lane = this.#lanes.stream;
    if (this.#closed || this.#held.has(batch.id) || !lane.tryReserve(batch)) return undefined;
    const settled = this.#hold(batch, lane.offer(batch));
    return { acknowledged: settled.then((known) => acknowledge(batch, known)) };
  }

  /** Refuses new batches and commits those held. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = shuttingDown();
    await Promise.all([this.#lanes.unary.drain(reason), this.#lanes.stream.drain(reason)]);
  }

  /**
   * A twin that is under way goes first; the ledger then knows what this one is. Of several that
   * wait only one may follow: nothing is awaited between asking for twins and `#hold`.
   */
  async #untilTwinSettled({ id }: Batch, signal: Ending): Promise<void> {
    const twin = Promise.resolve(this.#held.get(id));
    await untilAborted(twin, signal, outcomeUnknown).catch((error) => {
      if (signal.aborted) throw error;
    });
  }

  #hold(batch: Batch, stored: Promise<Settlement>): Promise<Settlement> {
    this.#held.set(batch.id, stored);
    this.#accounting.received(batch.answer);
    const settle = (settlement: Parameters<Accounting['settled']>[1]) => {
      this.#accounting.settled(batch.answer, settlement);
      this.#held.delete(batch.id);
    };
    return stored.then(
      (settlement) => {
        settle(settlement);
        return settlement;
      },
      (error) => {
        settle({ kind: 'refused' });
        throw error;
      },
    );
  }
}

function acknowledge(batch: Batch, settlement: Settlement): Acknowledgement {
  switch (settlement.kind) {
    case 'stored':
      return { durability: 'committed', duplicate: false, answer: finalAnswer(batch, settlement) };
    case 'duplicate':
      return { durability: 'committed', duplicate: true, answer: settlement.answer };
    case 'conflict':
      throw conflict(batch.id, 'batch_id');
    case 'spooled':
      return { durability: 'spooled', duplicate: false, answer: batch.answer };
  }
}

/** Not all that is valid is stored. */
function finalAnswer(
  { answer }: Batch,
  { deadLettered, repeated }: Settlement & { kind: 'stored' },
): Answer {
  const isDead = deadLettered && recordKinds.some((kind) => deadLettered[kind] > 0);
  if (!isDead && !repeated) return answer;
  return { ...answer, ...(isDead && { deadLettered }), ...(repeated && { repeated }) };
}

/** Waits for a promise, but no longer than until the signal. The promise itself goes on. */
function untilAborted<T>(promise: Promise<T>, signal: Ending, reason: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // One turn later, so that what the same signal ends elsewhere is heard first.
    const onAbort = () => setImmediate(() => reject(reason()));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const settled = () => signal.removeEventListener('abort', onAbort);
    promise.then(resolve, reject).then(settled);
  });
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

const outcomeUnknown = () =>
  new ServiceError('retryable', 'no answer from the database in time; it may be stored later on');

const shuttingDown = () => new ServiceError('shuttingDown', 'the collector is shutting down');
