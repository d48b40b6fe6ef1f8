import { ByteWriter } from '../records/byte-writer.ts';
import { WireEvents } from '../records/wire/wire-event.ts';
import { noRecords, type RawBatch } from './raw-batch.ts';

const keyTag = 0x3a;
const keyLength = 36;
const noId = new Uint8Array(16);
const anyTime = { ageMsMax: Number.POSITIVE_INFINITY, aheadMsMax: Number.POSITIVE_INFINITY };

/**
 * Reads a request of `Log` as an event of a batch is read, without an object in between: its fields
 * are those of an event, and what follows them may be its key. Takes only what is usual, and leaves
 * what else there is, and whatever can't be read, to the library.
 */
export class WireRequests {
  readonly #row = new ByteWriter();
  readonly #content = new ByteWriter();
  readonly #events = new WireEvents(this.#row, this.#content, anyTime, Date.now());

  read(message: Uint8Array): RawBatch | undefined {
    const keyAt = message.length - keyLength - 2;
    // If it is not the key but the end of a text, what is before it breaks off, and is not usual.
    const isKeyed = message[keyAt] === keyTag && message[keyAt + 1] === keyLength;
    const event = isKeyed ? message.subarray(0, keyAt) : message;
    if (!this.#isUsual(event)) return undefined;
    return {
      batchId: isKeyed ? textOf(message, keyAt + 2) : '',
      events: [event],
      usage: noRecords,
    };
  }

  #isUsual(event: Uint8Array): boolean {
    this.#row.restart();
    this.#content.restart();
    return this.#events.write(event, noId);
  }
}

/** What is no ASCII is no key, however it is read. */
const textOf = (message: Uint8Array, at: number): string =>
  Buffer.from(message.buffer, message.byteOffset + at, keyLength).toString('latin1');
