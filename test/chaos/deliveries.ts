import { uuidv7 } from 'uuidv7';

/** What a client knows of a batch: nothing yet, that it is durable, that it is not stored, or nothing for ever. */
type State = 'unknown' | 'acknowledged' | 'refused' | 'abandoned';

/** A batch as its client has it. Its records carry consecutive numbers that no others have. */
export interface Delivery {
  readonly id: string;
  readonly client: string;
  readonly events: readonly [first: number, count: number];
  readonly usage: readonly [first: number, count: number];
  state: State;
  /** Of its first event: what a database refuses. */
  readonly metadata?: Record<string, string>;
  /** Tries that may have stored it, though nobody said so. */
  unknownTries: number;
  /** What was said when it was acknowledged first, and when, in seconds of this run. */
  told?: { readonly spooled: boolean; readonly atSeconds: number };
}

/** What came of one try. */
export type Answer =
  | { readonly kind: 'acknowledged'; readonly duplicate: boolean; readonly spooled: boolean }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'unknown' };

export const unknown: Answer = { kind: 'unknown' };

/** All batches of a run, and what their clients were told of them. */
export class Deliveries {
  readonly all: Delivery[] = [];
  events = 0;
  usage = 0;
  readonly answers = { acknowledged: 0, duplicate: 0, spooled: 0, overloaded: 0, unknown: 0 };

  create(
    client: string,
    events: number,
    usage: number,
    metadata?: Record<string, string>,
  ): Delivery {
    const delivery: Delivery = {
      id: uuidv7(),
      client,
      events: [this.events, events],
      usage: [this.usage, usage],
      state: 'unknown',
      unknownTries: 0,
      ...(metadata && { metadata }),
    };
    this.events += events;
    this.usage += usage;
    this.all.push(delivery);
    return delivery;
  }

  /** Notes an answer; that nobody has waited for one says nothing of the collector. */
  note(delivery: Delivery, answer: Answer, patient = true): void {
    if (patient || answer.kind !== 'unknown') this.answers[answer.kind] += 1;
    if (answer.kind === 'unknown') delivery.unknownTries += 1;
    if (answer.kind !== 'acknowledged') return;
    delivery.state = 'acknowledged';
    delivery.told ??= { spooled: answer.spooled, atSeconds: Math.round(performance.now()) / 1000 };
    if (answer.duplicate) this.answers.duplicate += 1;
    if (answer.spooled) this.answers.spooled += 1;
  }

  /** Acknowledgements of what PostgreSQL has committed. */
  get committed(): number {
    return this.answers.acknowledged - this.answers.spooled;
  }

  in(state: State): Delivery[] {
    return this.all.filter((delivery) => delivery.state === state);
  }
}
