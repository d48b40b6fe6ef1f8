import { newUuidV7 } from '../uuid.ts';
import {
  type Batch,
  batchBytes,
  batchRows,
  type CommitGroup,
  type Settlement,
  type Settling,
} from './batch.ts';
import { Rate } from './rate.ts';

export interface LaneOptions {
  /** Groups that are committed at the same time. */
  readonly writers: number;
  readonly groupRowsMax: number;
  readonly groupBytesMax: number;
  /** How long a group that is not full waits for more. */
  readonly groupAgeMsMax: number;
  /** Bound on everything held: queued and being committed. */
  readonly budgetBytes: number;
}

interface Entry {
  readonly batch: Batch;
  readonly settling: Settling;
  readonly offeredAt: number;
}

interface Waiter {
  readonly batch: Batch;
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** A bounded queue of batches and the writers that make them durable in groups. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #store: CommitGroup;
  readonly #queue: Entry[] = [];
  readonly #waiters: Waiter[] = [];
  #queuedRows = 0;
  #queuedBytes = 0;
  #heldBytes = 0;
  #heldBatches = 0;
  #writing = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  readonly #rate = new Rate();
  /** Once draining, nothing waits for a fuller group. */
  #draining = false;

  constructor(options: LaneOptions, store: CommitGroup) {
    this.#options = options;
    this.#store = store;
  }

  /** Batches queued and being committed. */
  get batches(): number {
    return this.#heldBatches;
  }

  get bytes(): number {
    return this.#heldBytes;
  }

  /** Whether a group that is full waits for a writer. */
  get isPressed(): boolean {
    return this.#writing >= this.#options.writers && this.#isFull;
  }

  /** How long it takes, at the present rate, until what is held is settled. */
  get settledInMs(): number | undefined {
    const perMs = this.#rate.perMs(performance.now());
    return perMs === undefined ? undefined : this.#heldBytes / perMs;
  }

  /** Takes room for a batch, if there is any and nobody waits for it. */
  tryReserve(batch: Batch): boolean {
    if (this.#waiters.length > 0 || !this.#fits(batch)) return false;
    this.#hold(batch);
    return true;
  }

  /** Takes room for a batch as soon as there is any: first come, first served. */
  async reserve(batch: Batch, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryReserve(batch)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { batch, admit: resolve, refuse: reject };
    const abort = () => {
      const position = this.#waiters.indexOf(waiter);
      if (position < 0) return;
      this.#waiters.splice(position, 1);
      reject(signal.reason);
      this.#admit();
    };
    this.#waiters.push(waiter);
    signal.addEventListener('abort', abort, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** Queues a batch that has its room. */
  offer(batch: Batch, settling: Settling): void {
    this.#queue.push({ batch, settling, offeredAt: performance.now() });
    this.#queuedRows += batchRows(batch);
    this.#queuedBytes += batchBytes(batch);
    this.#dispatch();
  }

  /** Takes a batch back that no writer has taken yet: it fails with `reason`. */
  withdraw(batch: Batch, reason: Error): void {
    const position = this.#queue.findIndex((entry) => entry.batch === batch);
    if (position < 0) return;
    const [entry] = this.#queue.splice(position, 1) as [Entry];
    this.#dequeued(entry);
    this.#release([entry]);
    entry.settling.failed(reason);
  }

  /** Commits what is held, without waiting for fuller groups; whoever waits for room is refused. */
  async drain(reason: Error): Promise<void> {
    this.#draining = true;
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(reason);
    this.#dispatch();
    if (this.#heldBatches === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /** One batch always fits an empty lane, however large it is. */
  #fits(batch: Batch): boolean {
    const bytes = this.#heldBytes + batchBytes(batch);
    return this.#heldBatches === 0 || bytes <= this.#options.budgetBytes;
  }

  #hold(batch: Batch): void {
    this.#heldBytes += batchBytes(batch);
    this.#heldBatches += 1;
  }

  /** Starts writers while there is a group that is full or old enough. */
  #dispatch(): void {
    while (this.#writing < this.#options.writers && this.#queue.length > 0) {
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        this.#timer ??= setTimeout(() => this.#onTimer(), waitMs);
        return;
      }
      void this.#write(this.#take());
    }
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#dispatch();
  }

  #waitMs(): number {
    const oldest = this.#queue[0];
    if (this.#isFull || this.#draining || !oldest) return 0;
    return Math.ceil(oldest.offeredAt + this.#options.groupAgeMsMax - performance.now());
  }

  get #isFull(): boolean {
    const { groupRowsMax, groupBytesMax } = this.#options;
    return this.#queuedRows >= groupRowsMax || this.#queuedBytes >= groupBytesMax;
  }

  /** The longest head of the queue within the group's limits, one batch at least. */
  #take(): Entry[] {
    let [rows, bytes, count] = [0, 0, 0];
    for (const { batch } of this.#queue) {
      rows += batchRows(batch);
      bytes += batchBytes(batch);
      const over = rows > this.#options.groupRowsMax || bytes > this.#options.groupBytesMax;
      if (over && count > 0) break;
      count += 1;
    }
    const group = this.#queue.splice(0, count);
    for (const entry of group) this.#dequeued(entry);
    return group;
  }

  #dequeued(entry: Entry): void {
    this.#queuedRows -= batchRows(entry.batch);
    this.#queuedBytes -= batchBytes(entry.batch);
  }

  async #write(entries: Entry[]): Promise<void> {
    this.#writing += 1;
    try {
      const group = { id: newUuidV7(), batches: entries.map((entry) => entry.batch) };
      const startedAt = performance.now();
      const settlements = await this.#store(group);
      const settledAt = performance.now();
      this.#rate.add(bytesOf(entries), settledAt, settledAt - startedAt);
      entries.forEach((entry, index) => {
        entry.settling.settled(settlements[index] as Settlement);
      });
    } catch (error) {
      for (const { settling } of entries) settling.failed(error);
    } finally {
      this.#writing -= 1;
      this.#release(entries);
      this.#dispatch();
    }
  }

  #release(entries: readonly Entry[]): void {
    this.#heldBytes -= bytesOf(entries);
    this.#heldBatches -= entries.length;
    this.#admit();
    if (this.#heldBatches === 0) this.#idle?.resolve();
  }

  #admit(): void {
    for (
      let waiter = this.#waiters[0];
      waiter && this.#fits(waiter.batch);
      waiter = this.#waiters[0]
    ) {
      this.#waiters.shift();
      this.#hold(waiter.batch);
      waiter.admit();
    }
  }
}

const bytesOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { batch }) => sum + batchBytes(batch), 0);
