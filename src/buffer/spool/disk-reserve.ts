import { statfs } from 'node:fs/promises';

const askEveryMs = 200;

/** Whether a disk still has the free room that is left to the database (3.3). */
export class DiskReserve {
  readonly #directory: string;
  readonly #reserveBytes: number;
  #askedAt = -Infinity;
  #isLow = false;

  constructor(directory: string, reserveBytes: number) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  /** As it was a moment ago: the appends must not change places while they wait for an answer. */
  get isLow(): boolean {
    if (performance.now() - this.#askedAt > askEveryMs) void this.ask();
    return this.#isLow;
  }

  async ask(): Promise<void> {
    this.#askedAt = performance.now();
    try {
      const { bavail, bsize } = await statfs(this.#directory);
      this.#isLow = bavail * bsize < this.#reserveBytes;
    } catch {
      // The append that follows says what is wrong with the disk.
    }
  }
}
