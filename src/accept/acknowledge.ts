import { Code, ConnectError } from '@connectrpc/connect';
import { ServiceError } from '../errors.ts';

export interface AcknowledgeOptions {
  /** Batches of one stream that are read and not acknowledged yet. */
  readonly inFlightMax: number;
  /** The end of the call: by its client, its deadline or a lost connection. */
  readonly signal: AbortSignal;
  /** The collector's shutdown: nothing more is read, what was read is acknowledged. */
  readonly shutdown: AbortSignal;
}

/** A message for which there is room, and the promise of what becomes of it. */
interface Taken<Ack> {
  readonly ack: Promise<Ack>;
}

/** What is done with one message; the next may be read at once, or when the promise is resolved. */
type Handle<Message, Ack> = (
  message: Message,
  sequence: number,
) => Taken<Ack> | Promise<Taken<Ack>>;

type Outcome<Ack> = { readonly ack: Ack } | { readonly error: unknown };

/** One message, and later on what became of it. */
interface Entry<Ack> {
  outcome?: Outcome<Ack>;
}

/**
 * Reads a stream of lists of messages and yields an acknowledgement for each message, in order and
 * those together that are known together, while it reads on. The end of the messages is not the end
 * of the call: a cancelled stream can look like a finished one.
 */
export async function* acknowledgeInOrder<Message, Ack>(
  messages: AsyncIterable<readonly Message[]>,
  handle: Handle<Message, Ack>,
  { inFlightMax, signal, shutdown }: AcknowledgeOptions,
): AsyncGenerator<readonly Ack[]> {
  const bell = new Bell();
  const entries: Entry<Ack>[] = [];
  const reader = new Reader(messages, bell);
  let isFull = false;
  let failure: { readonly error: unknown } | undefined;
  let sequence = 0;

  const fail = (error: unknown) => {
    failure ??= { error };
    bell.ring();
  };
  const take = (message: Message) => {
    const entry: Entry<Ack> = {};
    entries.push(entry);
    const settle = (outcome: Outcome<Ack>) => {
      entry.outcome = outcome;
      bell.ring();
    };
    const watch = ({ ack }: Taken<Ack>) =>
      void ack.then(
        (known) => settle({ ack: known }),
        (error) => settle({ error }),
      );
    const taken = handle(message, sequence++);
    if (!(taken instanceof Promise)) return watch(taken);
    isFull = true;
    taken
      .then(watch)
      .catch(fail)
      .finally(() => {
        isFull = false;
        bell.ring();
      });
  };

  const onAbort = () => fail(signal.reason);
  signal.addEventListener('abort', onAbort);
  shutdown.addEventListener('abort', bell.ring);
  try {
    signal.throwIfAborted();
    for (;;) {
      if (failure) throw failure.error;
      const acks = settled(entries);
      if (acks.length > 0) {
        yield acks;
        continue;
      }
      const isDone = reader.isAtEnd || shutdown.aborted;
      if (isDone && entries.length === 0) break;
      if (!isDone && !isFull && entries.length < inFlightMax) {
        const message = reader.next();
        if (message) {
          take(message.value);
          continue;
        }
      }
      await bell.rung();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    shutdown.removeEventListener('abort', bell.ring);
  }
  reader.throwIfUnreadable();
  if (!reader.isAtEnd) throw new ServiceError('shuttingDown', 'the collector is shutting down');
}

/** Takes from the head what is known; throws what the first was rejected with. */
function settled<Ack>(entries: Entry<Ack>[]): Ack[] {
  const acks: Ack[] = [];
  for (const { outcome } of entries) {
    if (!outcome || 'error' in outcome) break;
    acks.push(outcome.ack);
  }
  const first = entries[0]?.outcome;
  if (first && 'error' in first) throw first.error;
  entries.splice(0, acks.length);
  return acks;
}

/** Messages one by one, of lists that are read when those before are taken. */
class Reader<Message> {
  readonly #lists: AsyncIterator<readonly Message[]>;
  readonly #bell: Bell;
  #list: readonly Message[] = [];
  #at = 0;
  #isReading = false;
  #hasEnded = false;
  /** Why nothing more is read; what was read before is acknowledged all the same. */
  #unreadable: { readonly error: unknown } | undefined;

  constructor(lists: AsyncIterable<readonly Message[]>, bell: Bell) {
    this.#lists = lists[Symbol.asyncIterator]();
    this.#bell = bell;
  }

  get isAtEnd(): boolean {
    return this.#hasEnded || this.#unreadable !== undefined;
  }

  throwIfUnreadable(): void {
    if (this.#unreadable) throw this.#unreadable.error;
  }

  /** The next, or undefined where it is still to come: then the bell rings. */
  next(): { readonly value: Message } | undefined {
    if (this.#at < this.#list.length) return { value: this.#list[this.#at++] as Message };
    if (!this.#isReading) void this.#read();
    return undefined;
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      const { done, value } = await this.#lists.next();
      if (done) this.#hasEnded = true;
      else this.#list = value;
      this.#at = 0;
    } catch (error) {
      this.#unreadable = { error: malformed(error) };
    }
    this.#isReading = false;
    this.#bell.ring();
  }
}

/** What the library calls an internal error while it reads is a message that it can't parse. */
function malformed(error: unknown): unknown {
  if (!(error instanceof ConnectError) || error.code !== Code.Internal) return error;
  return new ServiceError('invalid', error.rawMessage, { cause: error });
}

/** Wakes one waiter. Unlike a race of promises it holds on to nothing, however long a stream is. */
class Bell {
  #next = Promise.withResolvers<void>();

  readonly ring = (): void => this.#next.resolve();

  async rung(): Promise<void> {
    await this.#next.promise;
    this.#next = Promise.withResolvers<void>();
  }
}
