import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import type { Logger } from '../observe/logger.ts';
import { newUuidV7 } from '../uuid.ts';
import { type Batch, batchBytes, batchRows, type CommitGroup } from './batch.ts';
import type { CommitOrSpool } from './fallback.ts';
import type { ClosedSegment, Spool } from './spool/spool.ts';

export interface DrainOptions {
  readonly groupRowsMax: number;
  readonly groupBytesMax: number;
}

const idleMs = 200;
const retryMsMin = 100;
const retryMsMax = 5000;

/** Moves the spool's batches to the database, in order, and finds out when an outage is over. */
export class Drain {
  readonly #spool: Spool;
  readonly #commit: CommitGroup;
  readonly #fallback: CommitOrSpool;
  readonly #options: DrainOptions;
  readonly #accounting: Accounting;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #retryMs = retryMsMin;

  /** `commit` dead-letters the batches whose ids are known with other content (5.7). */
  constructor(
    spool: Spool,
    commit: CommitGroup,
    fallback: CommitOrSpool,
    options: DrainOptions,
    accounting: Accounting,
    logger: Logger,
  ) {
    this.#spool = spool;
    this.#commit = commit;
    this.#fallback = fallback;
    this.#options = options;
    this.#accounting = accounting;
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

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const segment = await this.#spool.oldest();
        if (segment) await this.#drainSegment(segment);
        else if (this.#fallback.outage) await this.#probe();
        else await this.#pause(idleMs);
      } catch (error) {
        this.#logger.error({ err: error }, 'draining the spool failed, and is tried again');
        await this.#backOff();
      }
    }
  }

  /** An empty group asks the database no more than whether it can commit. */
  async #probe(): Promise<void> {
    await this.#commitGroup([]);
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
    for (const batches of groupsOf(segment.batches, this.#options)) {
      await this.#commitGroup(batches);
      if (this.#stop.signal.aborted) return;
    }
    await segment.remove();
  }

  /** Tries until the database takes the group, or the drain stops. */
  async #commitGroup(batches: readonly Batch[]): Promise<void> {
    const group = { id: newUuidV7(), batches };
    while (!this.#stop.signal.aborted) {
      try {
        const settlements = await this.#commit(group);
        this.#retryMs = retryMsMin;
        this.#fallback.recovered();
        settlements.forEach((settlement, index) => {
          this.#accounting.settled((batches[index] as Batch).answer, settlement);
        });
        return;
      } catch (error) {
        const refused = error instanceof ServiceError && error.kind === 'permanent';
        this.#logger[refused ? 'error' : 'debug'](
          { err: error },
          'the database does not take the spool yet',
        );
        await this.#backOff();
      }
    }
  }

  async #backOff(): Promise<void> {
    await this.#pause(this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(2 * this.#retryMs, retryMsMax);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
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
