import { type FileHandle, open, unlink } from 'node:fs/promises';

interface Pending {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One file that records are appended to. Whatever arrives while an fsync is under way shares the
 * next one; both run in Node's thread pool, beside the event loop (5.3).
 */
export class Segment {
  readonly path: string;
  /** Groups whose append has failed, though they may be in the file. */
  readonly refused = new Set<string>();
  readonly #file: FileHandle;
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;
  #bytes = 0;
  #failed = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<Segment> {
    return new Segment(path, await open(path, 'ax', 0o600));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** After a failure nothing may be written to it again (5.4). */
  get failed(): boolean {
    return this.#failed;
  }

  /** Resolves when the bytes are on disk. */
  append(bytes: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#bytes += bytes.length;
    this.#pending.push({ bytes, resolve, reject });
    this.#flushing ??= this.#flush();
    return promise;
  }

  /** Resolves with the bytes that the file has; where a failure has left none, there is no file. */
  async close(): Promise<number> {
    await this.#flushing;
    const bytes = this.#failed ? (await this.#file.stat()).size : this.#bytes;
    await this.#file.close();
    if (this.#failed && bytes === 0) await unlink(this.path);
    return bytes;
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      try {
        if (this.#failed) throw new Error(`the segment ${this.path} is closed after a failure`);
        await this.#file.appendFile(Buffer.concat(group.map(({ bytes }) => bytes)));
        await this.#file.datasync();
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.#failed = true;
        for (const { reject } of group) reject(error);
      }
    }
    this.#flushing = undefined;
  }
}
