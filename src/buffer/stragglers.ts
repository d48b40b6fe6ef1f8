import { errorMessage, ServiceError } from '../errors.ts';
import type { Accounting } from '../observe/accounting.ts';
import type { Logger } from '../observe/logger.ts';
import { newUuidV7 } from '../uuid.ts';
import type { Batch, Committer, Settlement } from './batch.ts';
import type { Spool } from './spool/spool.ts';

/** A batch that has been put off so often, and fails again, has only its rows to blame. */
const putOffsMax = 3;

/** Batches of the spool that alone fail again and again, while the database takes others (5.12). */
export class Stragglers {
  readonly #spool: Spool;
  readonly #committer: Committer;
  readonly #accounting: Accounting;
  readonly #logger: Logger;
  /** How often each has been put off, by id. */
  readonly #putOffs = new Map<string, number>();

  constructor(spool: Spool, committer: Committer, accounting: Accounting, logger: Logger) {
    this.#spool = spool;
    this.#committer = committer;
    this.#accounting = accounting;
    this.#logger = logger;
  }

  /**
   * Moves a batch out of the way of others. What may be a matter of time comes again after these,
   * a few times; of anything else, the rows become dead letters. Resolves with what became of it,
   * undefined where it comes again; throws what keeps it where it is.
   */
  async moveAway(batch: Batch, failure: unknown): Promise<Settlement | undefined> {
    if (!isRetryable(failure)) return await this.#keep(batch, failure);
    if ((this.#putOffs.get(batch.id) ?? 0) < putOffsMax) return await this.#putOff(batch, failure);
    try {
      const group = { id: newUuidV7(), batches: [batch] };
      const [settlement] = await this.#committer.commitSuspects(group);
      return settlement;
    } catch (error) {
      if (!isRetryable(error)) throw error;
      // Its rows are not to blame, which others in their places fail like.
      return await this.#putOff(batch, error);
    }
  }

  forget({ id }: Batch): void {
    this.#putOffs.delete(id);
  }

  async #keep(batch: Batch, failure: unknown): Promise<Settlement> {
    const settlement = await this.#committer.keep(batch, errorMessage(failure));
    this.#logger.error({ err: failure, batch: batch.id }, 'a batch of the spool is dead letters');
    return settlement;
  }

  async #putOff(batch: Batch, failure: Error): Promise<undefined> {
    const { id, groupId = id } = batch;
    await this.#spool.append({ id: groupId, batches: [batch] }, 'moved');
    this.#putOffs.set(id, (this.#putOffs.get(id) ?? 0) + 1);
    this.#logger.warn({ err: failure, batch: id }, 'a batch of the spool is put off');
    this.#accounting.putOff();
  }
}

export const isRetryable = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && error.kind === 'retryable';
