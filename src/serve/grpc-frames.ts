import { ServiceError } from '../errors.ts';
import { compressedWithoutEncoding } from './envelopes.ts';

/** A flag, and the length of the message in four bytes. */
const headerBytes = 5;
/** A longer message is not worth keeping the memory that it was put together in. */
const scratchBytesMax = 1024 * 1024;

/**
 * Takes apart streams of gRPC's length-prefixed messages, as many at the same time as there are.
 * Format: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class GrpcFrames {
  readonly #messageBytesMax: number;
  /** Where a message in several chunks is put together; in use only while nothing is awaited. */
  #scratch = Buffer.alloc(0);

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /**
   * What `read` makes of each message, those together that came together. It must not keep the
   * bytes: the next message overwrites them. Throws what `read` does, and for bytes that are no
   * messages.
   */
  async *messages<T>(
    chunks: AsyncIterable<Uint8Array>,
    read: (message: Uint8Array) => T,
  ): AsyncGenerator<readonly T[]> {
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    let frameBytes = headerBytes;
    for await (const chunk of chunks) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
      if (heldBytes < frameBytes) continue;
      const bytes = held.length === 1 ? chunk : this.#join(held, heldBytes);
      const results: T[] = [];
      let failure: { readonly error: unknown } | undefined;
      let at = 0;
      try {
        frameBytes = this.#frameBytes(bytes, at);
        while (at + frameBytes <= heldBytes) {
          results.push(read(bytes.subarray(at + headerBytes, at + frameBytes)));
          at += frameBytes;
          frameBytes = this.#frameBytes(bytes, at);
        }
      } catch (error) {
        failure = { error };
      }
      heldBytes -= at;
      held = heldBytes === 0 ? [] : [bytes.slice(at)];
      if (results.length > 0) yield results;
      if (failure) throw failure.error;
    }
    if (heldBytes > 0) throw new ServiceError('invalid', 'protocol error: incomplete envelope');
  }

  #join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
    let target = this.#scratch;
    if (target.byteLength < bytes) target = Buffer.allocUnsafeSlow(bytes);
    if (bytes <= scratchBytesMax) this.#scratch = target;
    let at = 0;
    for (const chunk of chunks) {
      target.set(chunk, at);
      at += chunk.byteLength;
    }
    return new Uint8Array(target.buffer, target.byteOffset, bytes);
  }

  /** The length of the frame that begins at a position, or of its header while that is incomplete. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    if (at + headerBytes > bytes.byteLength) return headerBytes;
    if (bytes[at] !== 0) {
      throw compressedWithoutEncoding();
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const messageBytes = view.getUint32(at + 1);
    if (messageBytes > this.#messageBytesMax) {
      throw new ServiceError(
        'tooLarge',
        // In the words of the library that serves the other protocols.
        `message size ${messageBytes} is larger than configured readMaxBytes ${this.#messageBytesMax}`,
      );
    }
    return headerBytes + messageBytes;
  }
}
