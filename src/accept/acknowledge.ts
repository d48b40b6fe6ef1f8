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

/** What is done with one message: resolves when the next may be read, with the acknowledgement's promise. */
type Handle<Message, Ack> = (message: Message, sequence: number) => Promise<{ ack: Promise<Ack> }>;

/**
 * Reads a stream and yields one acknowledgement a message, in order, while it reads on. The end
 * of the messages is not the end of the call: a cancelled stream can look like a finished one.
 */
export async function* acknowledgeInOrder<Message, Ack>(
  messages: AsyncIterable<Message>,
  handle: Handle<Message, Ack>,
  { inFlightMax, signal, shutdown }: AcknowledgeOptions,
): AsyncGenerator<Ack> {
  const bell = new Bell();
  const acks: { settled: boolean; readonly ack: Promise<Ack> }[] = [];
  const iterator = messages[Symbol.asyncIterator]();
  let reading = false;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  /** Why nothing more is read; what was read before is acknowledged all the same. */
  let unreadable: { readonly error: unknown } | undefined;
  let sequence = 0;

  const fail = (error: unknown) => {
    failure ??= { error };
    bell.ring();
  };
  const accept = async (message: Message) => {
    const admitted = handle(message, sequence++);
    const entry = { settled: false, ack: admitted.then((known) => known.ack) };
    acks.push(entry);
    const settle = () => {
      entry.settled = true;
      bell.ring();
    };
    entry.ack.then(settle, settle);
    await admitted;
  };
  const read = async () => {
    try {
      const { done, value } = await iterator.next();
      if (done) ended = true;
      else await accept(value).catch(fail);
    } catch (error) {
      unreadable = { error: malformed(error) };
    }
    reading = false;
    bell.ring();
  };

  const onAbort = () => fail(signal.reason);
  signal.addEventListener('abort', onAbort);
  shutdown.addEventListener('abort', bell.ring);
  try {
    signal.throwIfAborted();
    for (;;) {
      if (failure) throw failure.error;
      if (acks[0]?.settled) {
        yield await (acks.shift() as { ack: Promise<Ack> }).ack;
        continue;
      }
      const done = ended || shutdown.aborted || unreadable;
      if (done && acks.length === 0) break;
      if (!done && !reading && acks.length < inFlightMax) {
        reading = true;
        read();
      }
      await bell.rung();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    shutdown.removeEventListener('abort', bell.ring);
  }
  if (unreadable) throw unreadable.error;
  if (!ended) throw new ServiceError('shuttingDown', 'the collector is shutting down');
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
