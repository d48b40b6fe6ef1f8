import { conflict, ServiceError } from '../errors.ts';
import { recordKinds } from '../records/tables.ts';
import type { Acknowledgement, Answer, Batch, Ending, Settlement, Settling } from './batch.ts';

/** A refusal is an end of its own: the batch is not stored. */
export type HeldSettlement = Settlement | { readonly kind: 'refused' };

/** A batch that is held until it is settled, and its caller, who may not wait for so long. */
export class HeldBatch implements Settling {
  readonly batch: Batch;
  /** Rejected by a `ServiceError`; by the end of its caller's wait, too. */
  readonly acknowledged: Promise<Acknowledgement>;
  readonly #resolve: (acknowledgement: Acknowledgement) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onSettled: (batch: Batch, settlement: HeldSettlement) => void;
  #ending: Ending | undefined;
  #withdraw: (() => void) | undefined;
  /** For twins, which are rare. */
  #end: PromiseWithResolvers<void> | undefined;

  constructor(batch: Batch, onSettled: (batch: Batch, settlement: HeldSettlement) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement>();
    this.batch = batch;
    this.acknowledged = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onSettled = onSettled;
  }

  settled(settlement: Settlement): void {
    this.#settle(settlement);
    if (settlement.kind === 'conflict') this.#reject(conflict(this.batch.id, 'batch_id'));
    else this.#resolve(acknowledgement(this.batch, settlement));
  }

  failed(error: unknown): void {
    this.#settle({ kind: 'refused' });
    this.#reject(error);
  }

  /** Its caller waits no longer than until `ending`, before which the batch may be withdrawn. */
  waitUntil(ending: Ending, withdraw?: () => void): void {
    this.#ending = ending;
    this.#withdraw = withdraw;
    if (ending.aborted) this.#onAbort();
    else ending.addEventListener('abort', this.#onAbort);
  }

  /** Resolves when it is settled, however that went; rejected by `ending`. */
  async untilSettled(ending: Ending): Promise<void> {
    this.#end ??= Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const onAbort = () => ended.reject(outcomeUnknown());
    if (ending.aborted) throw outcomeUnknown();
    ending.addEventListener('abort', onAbort);
    this.#end.promise.then(ended.resolve);
    await ended.promise.finally(() => ending.removeEventListener('abort', onAbort));
  }

  readonly #onAbort = (): void => {
    this.#withdraw?.();
    this.#reject(outcomeUnknown());
  };

  #settle(settlement: HeldSettlement): void {
    this.#ending?.removeEventListener('abort', this.#onAbort);
    this.#onSettled(this.batch, settlement);
    this.#end?.resolve();
  }
}

function acknowledgement(
  batch: Batch,
  settlement: Exclude<Settlement, { kind: 'conflict' }>,
): Acknowledgement {
  switch (settlement.kind) {
    case 'stored':
      return { durability: 'committed', duplicate: false, answer: finalAnswer(batch, settlement) };
    case 'duplicate':
      return { durability: 'committed', duplicate: true, answer: settlement.answer };
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

const outcomeUnknown = () =>
  new ServiceError('retryable', 'no answer from the database in time; it may be stored later on');
