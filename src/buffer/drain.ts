import { errorMessage, ServiceError } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { newUuidV7 } from '../uuid.ts';
import { Backoff, pause } from './backoff.ts';
import { type Batch, batchBytes, batchRows, type Committer, kindsOf } from './batch.ts';
import type { Outage } from './outage.ts';
import type { ClosedSegment } from './spool/closed-segments.ts';
import type { Spool } from './spool/spool.ts';

export interface DrainOptions {
  readonly groupRowsMax: number;
  readonly groupBytesMax: number;
}

const idleMs = 200;
/** A group that fails so often, while the database takes other rows, is divided. */
const groupFaultsMax = 3;

/** Moves the spool's batches to the database, in order; none of them holds up the others for long. */
export class Drain {
  readonly #spool: Spool;
  readonly #committer: Committer;
  readonly #outage: Outage;
  readonly #options: DrainOptions;
  readonly #accounting: Accounting;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff();
  #running: Promise<void> = Promise.resolve();

  /** `committer` dead-letters the batches whose ids are known with other content (5.7). */
  constructor(
    spool: Spool,
    committer: Committer,
    outage: Outage,
    options: DrainOptions,
    accounting: Accounting,
    health: Health,
    logger: Logger,
  ) {
    this.#spool = spool;
    this.#committer = committer;
    this.#outage = outage;
    this.#options = options;
    this.#accounting = accounting;
    this.#health = health;
    this.#logger = logger;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Stops after the group under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Drains what there is, and no more. */
  async finish(): Promise<void> {
    while (this.#spool.segments > 0 && !this.#stop.signal.aborted) await this.#drainOldest();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) await this.#drainOldest();
  }

  async #drainOldest(): Promise<void> {
    try {
      const segment = await this.#spool.oldest();
      if (segment) await this.#drainSegment(segment);
      else await this.#idle();
    } catch (error) {
      await this.#failed(error);
    }
  }

  async #idle(): Promise<void> {
    this.#health.report('drain', undefined);
    await this.#spool.tidy();
    await pause(idleMs, this.#stop.signal);
  }

  async #drainSegment(segment: ClosedSegment): Promise<void> {
    if (segment.damaged > 0) {
      this.#logger.error(
        { records: segment.damaged },
        'damaged records in the spool are set aside',
      );
      this.#accounting.damaged(segment.damaged);
    }
    for (const batch of segment.recovered) this.#accounting.recovered(batch.answer);
    let isSettled = true;
    for (const batches of groupsOf(segment.batches, this.#options)) {
      isSettled = (await this.#settle(batches, groupFaultsMax)) && isSettled;
      if (this.#stop.signal.aborted) return;
    }
    await segment.remove(!isSettled);
  }

  /**
   * Tries until the database takes the group, or the drain stops; where it takes other rows all the
   * same, in halves, and what is left in the end is moved out of the way (5.12). Resolves with
   * whether the segment is not needed any more.
   */
  async #settle(batches: readonly Batch[], faultsMax: number): Promise<boolean> {
    const group = { id: newUuidV7(), batches };
    let failure: unknown;
    for (let faults = 0; faults < faultsMax; ) {
      if (this.#stop.signal.aborted) return true;
      try {
        const settlements = await this.#committer.commit(group);
        settlements.forEach((settlement, index) => {
          this.#accounting.settled((batches[index] as Batch).answer, settlement);
        });
        this.#outage.committed(batches);
        this.#backoff.reset();
        this.#health.report('drain', undefined);
        return true;
      } catch (error) {
        failure = error;
        if (await this.#databaseIsWell(batches)) faults += 1;
        await this.#failed(error);
      }
    }
    const [only, second] = batches as [Batch, Batch?];
    if (!second) return await this.#moveAway(only, failure);
    const middle = Math.ceil(batches.length / 2);
    const first = await this.#settle(batches.slice(0, middle), 1);
    return (await this.#settle(batches.slice(middle), 1)) && first;
  }

  /**
   * A batch that alone fails again and again. What may be a matter of time comes again after all
   * others; what is not becomes dead letters, or else its segment is set aside.
   */
  async #moveAway(batch: Batch, failure: unknown): Promise<boolean> {
    const { id } = batch;
    while (!this.#stop.signal.aborted) {
      try {
        if (failure instanceof ServiceError && failure.kind === 'retryable') {
          await this.#spool.append({ id: batch.groupId ?? id, batches: [batch] });
          this.#logger.warn({ err: failure, batch: id }, 'a batch of the spool is put off');
          this.#accounting.putOff();
        } else {
          const settlement = await this.#committer.keep(batch, errorMessage(failure));
          this.#accounting.settled(batch.answer, settlement);
          this.#logger.error({ err: failure, batch: id }, 'a batch of the spool is dead letters');
        }
        return true;
      } catch (error) {
        if (await this.#databaseIsWell([batch])) {
          this.#logger.error({ err: error, batch: id }, 'a batch of the spool is set aside');
          this.#accounting.setAside();
          return false;
        }
        await this.#failed(error);
      }
    }
    return true;
  }

  async #databaseIsWell(batches: readonly Batch[]): Promise<boolean> {
    return await this.#committer.probe(kindsOf(batches)).then(
      () => true,
      () => false,
    );
  }

  async #failed(error: unknown): Promise<void> {
    const expected = error instanceof ServiceError && error.kind === 'retryable';
    this.#logger[expected ? 'debug' : 'error'](
      { err: error },
      'draining the spool failed, and is tried again',
    );
    this.#health.report('drain', errorMessage(error), false);
    await this.#backoff.pause(this.#stop.signal);
  }
}

/** Groups within the limits, in order, none with the same id twice (2.4). */
function* groupsOf(batches: readonly Batch[], limits: DrainOptions): Generator<Batch[]> {
  let group: Batch[] = [];
  let ids = new Set<string>();
  let rows = 0;
  let bytes = 0;
  for (const batch of batches) {
    rows += batchRows(batch);
    bytes += batchBytes(batch);
    const full = rows > limits.groupRowsMax || bytes > limits.groupBytesMax || ids.has(batch.id);
    if (full && group.length > 0) {
      yield group;
      group = [];
      ids = new Set();
      rows = batchRows(batch);
      bytes = batchBytes(batch);
    }
    group.push(batch);
    ids.add(batch.id);
  }
  if (group.length > 0) yield group;
}
