import { statfs } from 'node:fs/promises';

const askEveryMs = 200;

/** Whether a disk still has the free room that is left to the database (3.3). */
export class DiskReserve {
  readonly #directory: string;
  readonly #reserveBytes: number;
  #askedAt = -Infinity;
  /** Written since the start: a burst can fill a disk between two looks at it. */
  #writtenBytes = 0;
  /** How far that may go, as of the last look. */
  #writableBytes = Infinity;

  constructor(directory: string, reserveBytes: number) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  /** As it was a moment ago: the appends must not change places while they wait for an answer. */
  get isLow(): boolean {
    if (performance.now() - this.#askedAt > askEveryMs) void this.ask();
    return this.#reserveBytes > 0 && this.#writtenBytes > this.#writableBytes;
  }

  /** Counts what is about to be written. */
  take(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  async ask(): Promise<void> {
    this.#askedAt = performance.now();
    const writtenBytes = this.#writtenBytes;
    try {
      const { bavail, bsize } = await statfs(this.#directory);
      this.#writableBytes = writtenBytes + bavail * bsize - this.#reserveBytes;
    } catch {
      // The append that follows says what is wrong with the disk.
    }
  }
}
