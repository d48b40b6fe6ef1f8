import type { ConnectRouterOptions } from '@connectrpc/connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';

type Compression = NonNullable<ConnectRouterOptions['acceptCompression']>[number];

/** As many as there are threads for it: more would wait anyway, each with its output so far. */
const decompressionsMax = 4;

/**
 * Gzip and Brotli. Both stop at the limit on messages, whatever the ratio; because few are
 * decompressed at a time, memory is bounded however many arrive at once.
 */
export function boundedCompressions(): Compression[] {
  const turns = new Turns(decompressionsMax);
  return [compressionGzip, compressionBrotli].map((compression) => ({
    ...compression,
    decompress: (bytes, bytesMax) => turns.take(() => compression.decompress(bytes, bytesMax)),
  }));
}

/** Lets so many tasks run at a time, in the order in which they came. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
