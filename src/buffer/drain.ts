import { toldMessage } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import type { Health, HealthPart } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { pause } from '../pause.ts';
import { newUuidV7 } from '../uuid.ts';
import { Backoff } from './backoff.ts';
import { type Batch, batchBytes, batchRows, type Committer, type Settlement } from './batch.ts';
import type { Outage } from './outage.ts';
import type { ClosedSegment } from './spool/closed-segments.ts';
import type { Spool } from './spool/spool.ts';
import { isRetryable, Stragglers } from './stragglers.ts';

export interface DrainOptions {
  readonly groupRowsMax: number;
  readonly groupBytesMax: number;
  /** What its failures are told of. */
  readonly part?: HealthPart;
}

const idleMs = 200;
/** A group that fails so often, while the database takes other rows, is divided. */
const groupFaultsMax = 3;
const faultPauseMs = 500;
const backoffMsMax = 5000;

/** Moves the spool's batches to the database, in order; none of them holds up the others for long. */
export class Drain {
  readonly #spool: Spool;
  readonly #committer: Committer;
  readonly #outage: Outage;
  readonly #options: DrainOptions;
  readonly #accounting: Accounting;
  readonly #health: Health;
  readonly #part: HealthPart;
  readonly #logger: Logger;
  /** Whether there is something that a start has found and not drained yet. */
  #isLeft = false;
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff(backoffMsMax);
  readonly #stragglers: Stragglers;
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
    this.#part = options.part ?? 'drain';
    this.#logger = logger;
    this.#stragglers = new Stragglers(spool, committer, accounting, logger);
  }

  start(): void {
    const { segments, bytes } = this.#spool;
    this.#isLeft = segments > 0;
    if (this.#isLeft) this.#logger.info({ segments, bytes }, 'the spool holds data from before');
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
    this.#health.report(this.#part, undefined);
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
    this.#health.report(this.#part, undefined);
    if (this.#isLeft) this.#logger.info('the data from before is stored');
    this.#isLeft = false;
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
        this.#settled(batches, await this.#committer.commit(group));
        return true;
      } catch (error) {
        failure = error;
        const isWell = await this.#databaseIsWell(batches);
        if (isWell) faults += 1;
        await this.#failed(error, isWell);
      }
    }
    const [only, second] = batches as [Batch, Batch?];
    if (!second) return await this.#moveAway(only, failure);
    const middle = Math.ceil(batches.length / 2);
    const first = await this.#settle(batches.slice(0, middle), 1);
    return (await this.#settle(batches.slice(middle), 1)) && first;
  }

  #settled(batches: readonly Batch[], settlements: readonly Settlement[]): void {
    for (const [index, batch] of batches.entries()) {
      this.#accounting.settled(batch.answer, settlements[index] as Settlement);
      this.#stragglers.forget(batch);
    }
    this.#outage.committed(batches);
    this.#backoff.reset();
    this.#health.report(this.#part, undefined);
  }

  /**
   * Tries until a batch that alone fails again and again is out of the way; where that fails too,
   * its segment has to stay.
   */
  async #moveAway(batch: Batch, failure: unknown): Promise<boolean> {
    while (!this.#stop.signal.aborted) {
      try {
        const settlement = await this.#stragglers.moveAway(batch, failure);
        if (settlement) this.#settled([batch], [settlement]);
        return true;
      } catch (error) {
        if (await this.#databaseIsWell([batch])) {
          this.#logger.error({ err: error, batch: batch.id }, 'a batch of the spool is set aside');
          this.#accounting.setAside();
          return false;
        }
        await this.#failed(error);
      }
    }
    return true;
  }

  async #databaseIsWell(batches: readonly Batch[]): Promise<boolean> {
    return await this.#committer.probe(batches).then(
      () => true,
      () => false,
    );
  }

  /** `isWell`: the database takes other rows. */
  async #failed(error: unknown, isWell = false): Promise<void> {
    this.#logger[isRetryable(error) ? 'debug' : 'error'](
      { err: error },
      'draining the spool failed, and is tried again',
    );
    this.#health.report(this.#part, toldMessage(error), false, error);
    if (isWell) await pause(faultPauseMs, this.#stop.signal);
    else await this.#awaitDatabase();
  }

  /** A while, or until others have found out that it is back. */
  async #awaitDatabase(): Promise<void> {
    const { signal } = this.#stop;
    const { ending } = this.#outage;
    if (!ending || ending.aborted) return await this.#backoff.pause(signal);
    await this.#backoff.pause(AbortSignal.any([signal, ending]));
    if (ending.aborted) this.#backoff.reset();
  }
}

/** Groups within the limits, in order, none with the same id twice (2.4). */
function* groupsOf(batches: readonly Batch[], limits: DrainOptions): Generator<Batch[]> {
  let group: Batch[] = [];
  let ids = new Set<string>();
  let [rows, bytes] = [0, 0];
  for (const batch of batches) {
    rows += batchRows(batch);
    bytes += batchBytes(batch);
    const full = rows > limits.groupRowsMax || bytes > limits.groupBytesMax || ids.has(batch.id);
    if (full && group.length > 0) {
      yield group;
      group = [];
      ids = new Set();
      [rows, bytes] = [batchRows(batch), batchBytes(batch)];
    }
    group.push(batch);
    ids.add(batch.id);
  }
  if (group.length > 0) yield group;
}
