import type { Acknowledged, Answer, Refused, TooLarge } from './answers.ts';
import { Circuit, failuresMax } from './circuit.ts';
import type { Tally } from './counters.ts';
import type { Batch } from './encode.ts';
import type { Fallback, WaitingBatch } from './fallback.ts';
import type { Notices } from './notices.ts';
import { split } from './split.ts';
import { textOf } from './texts.ts';
import { sleep } from './timers.ts';
import type { Sendable, Transport } from './transport.ts';

export interface DeliveryOptions {
  readonly transport: Transport;
  readonly fallback: Fallback;
  readonly tally: Tally;
  readonly notices: Notices;
  /** The service has answered. */
  readonly onAnswered: () => void;
  /** More records wait than should while a batch is tried again. */
  readonly isCrowded: () => boolean;
}

/** How often a wait looks whether it is still worth while. */
const lookMs = 100;

/** Brings batches to the service, or to the fallback, and later from there (clauses 3 and 4). */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #circuit = new Circuit();
  readonly #stop = new AbortController();
  /** How often others were acknowledged when a batch of the spool was passed over. */
  readonly #passedOver = new Map<string, number>();
  #acknowledged = 0;
  #probing = false;
  #draining = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends what is under way. Batches that have no answer stay with their owner. */
  stop(): void {
    this.#stop.abort();
  }

  /**
   * Resolves when the batch is done, dropped, or with the fallback, or the delivery is stopped.
   * `first`: the transport of the first try, where it is another than that of the rest.
   */
  async deliver(batch: Batch, first = this.#options.transport): Promise<void> {
    for (let tries = 0; tries < failuresMax && this.#mayTry(); tries += 1) {
      const answer = await this.#try(batch, tries === 0 ? first : this.#options.transport);
      if (answer.kind !== 'tryAgain') return this.#settle(batch, answer);
      await this.#pause();
    }
    if (this.isStopped) return;
    await this.#options.fallback.take(batch);
    this.drain();
  }

  /** Delivers what waits in the fallback, in the background. */
  drain(): void {
    if (this.#draining || this.isStopped || !this.#options.fallback.waiting) return;
    this.#draining = true;
    this.#drain()
      .catch((error) => this.#options.notices.warn(`the spool can't be read: ${textOf(error)}`))
      .finally(() => {
        this.#draining = false;
      });
  }

  async #drain(): Promise<void> {
    const { waiting } = this.#options.fallback;
    let triesTurnedDown = 0;
    while (!this.isStopped) {
      await sleep(this.#circuit.delayMs, this.#stop.signal);
      const batch = await waiting?.next();
      if (!batch || this.isStopped) return;
      const answer = await this.#try(batch, this.#options.transport);
      if (answer.kind === 'tryAgain') {
        triesTurnedDown = answer.isTurnedDown ? triesTurnedDown + 1 : 0;
        if (triesTurnedDown < failuresMax) continue;
        await this.#turnedDown(batch, answer.message);
      } else {
        await this.#settle(batch, answer);
        // Its halves may not have been delivered.
        if (answer.kind === 'tooLarge' && this.isStopped) return;
        await batch.settled();
      }
      triesTurnedDown = 0;
    }
  }

  /** A batch that somebody turns down again and again doesn't keep the others waiting (clause 4.4). */
  async #turnedDown(batch: WaitingBatch, message: string): Promise<void> {
    const before = this.#passedOver.get(batch.id);
    if (before === undefined || before === this.#acknowledged) {
      this.#passedOver.set(batch.id, this.#acknowledged);
      return batch.passOver();
    }
    this.#passedOver.delete(batch.id);
    await this.#settle(batch, { kind: 'tooLarge', message });
    await batch.settled();
  }

  /** Until the next try may be, or there is none to wait for. */
  async #pause(): Promise<void> {
    while (this.#circuit.delayMs > 0 && !this.#isHopeless() && !this.isStopped) {
      await sleep(Math.min(this.#circuit.delayMs, lookMs), this.#stop.signal);
    }
  }

  /** The fallback is the place for batches, rather than memory. */
  #isHopeless(): boolean {
    return this.#circuit.isOpen || (this.#circuit.hasFailed && this.#options.isCrowded());
  }

  /** While the circuit is open the oldest batch of the spool is what is tried, if there is one. */
  #mayTry(): boolean {
    if (this.isStopped) return false;
    if (!this.#isHopeless()) return true;
    return !this.#draining && !this.#probing && this.#circuit.delayMs === 0;
  }

  async #try(batch: Sendable, transport: Transport): Promise<Answer> {
    this.#probing = true;
    const begunMs = performance.now();
    const answer = await this.#send(batch, transport);
    this.#probing = false;
    if (answer.kind === 'tryAgain' && !this.isStopped) {
      this.#circuit.failed(begunMs, answer.delayMs);
      if (this.#circuit.isOpen) {
        this.#options.notices.warn(`the service can't be reached: ${answer.message}`);
      }
    } else if (answer.kind !== 'tryAgain' && answer.kind !== 'tooLarge') {
      this.#circuit.succeeded();
    }
    return answer;
  }

  /** Whatever a transport throws is no answer (clause 3.8). */
  async #send(batch: Sendable, transport: Transport): Promise<Answer> {
    try {
      return await transport.send(batch, this.#stop.signal);
    } catch (error) {
      return { kind: 'tryAgain', message: textOf(error) };
    }
  }

  async #settle(batch: Sendable, answer: Acknowledged | Refused | TooLarge): Promise<void> {
    const { tally, notices } = this.#options;
    const { id, records } = batch;
    if (answer.kind === 'acknowledged') {
      this.#acknowledged += 1;
      tally.delivered += records - answer.rejected;
      tally.drop('rejected', answer.rejected);
      if (answer.rejected > 0) notices.warn(`${answer.rejected} records were rejected`);
    } else if (answer.kind === 'refused') {
      tally.drop(answer.reason, records);
      notices.warn(`batch ${id} is dropped: ${answer.message}`);
    } else if (records > 1) {
      for (const half of await split(batch)) await this.deliver(half);
      return;
    } else {
      notices.warn(`a record is too large to be sent: ${answer.message}`);
      return this.#options.fallback.setAside(batch);
    }
    this.#options.onAnswered();
  }
}
