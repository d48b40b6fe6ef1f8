import { ServiceError } from '../errors.ts';
import type { CommitGroup, Group, Settlement } from './batch.ts';
import type { Outage } from './outage.ts';
import type { Spool } from './spool/spool.ts';

export interface FallbackOptions {
  /** Whether the database is on the spool's disk, and would use up what is left of it. */
  readonly sharesDisk: boolean;
}

/**
 * Makes a group durable: by commit, or by the spool when the database fails or takes too long
 * (section 4 of docs/specs/buffer.md).
 */
export class CommitOrSpool {
  readonly #commit: CommitGroup;
  readonly #spool: Spool;
  readonly #outage: Outage;
  readonly #options: FallbackOptions;

  constructor(commit: CommitGroup, spool: Spool, outage: Outage, options: FallbackOptions) {
    this.#commit = commit;
    this.#spool = spool;
    this.#outage = outage;
    this.#options = options;
  }

  /**
   * See `CommitGroup`; also throws `overloaded` where the spool or the disk is full and no commit
   * was tried. `commitMsMax`: a commit that takes longer is left behind.
   */
  async store(group: Group, commitMsMax: number): Promise<readonly Settlement[]> {
    if (this.#outage.isOn) return await this.#toSpool(group);
    if (this.#options.sharesDisk) this.#spool.checkDisk();
    const committing = this.#commit(group);
    // Left behind after the timeout: what becomes of it, the drain finds out by the group's id.
    committing.catch(() => {});
    try {
      const settlements = await withinMs(committing, commitMsMax);
      this.#outage.committed(group.batches);
      return settlements;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.kind !== 'retryable') throw error;
      this.#outage.begin(error, group.batches);
      return await this.#toSpool(group).catch(unlessCommitted);
    }
  }

  async #toSpool(group: Group): Promise<readonly Settlement[]> {
    await this.#spool.append(group);
    return group.batches.map(() => ({ kind: 'spooled' }));
  }
}

function withinMs<T>(committing: Promise<T>, ms: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const late = () => reject(new ServiceError('retryable', `no commit within ${ms} ms`));
  const timer = setTimeout(late, ms);
  committing.then(resolve, reject);
  return promise.finally(() => clearTimeout(timer));
}

/** The spool refuses what a commit that was left behind may store all the same: who knows? */
function unlessCommitted(refusal: ServiceError): never {
  const { message, retryDelayMs } = refusal;
  throw new ServiceError('retryable', `${message}; it may be stored later on`, {
    ...(retryDelayMs !== undefined && { retryDelayMs }),
    cause: refusal,
  });
}
