import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../observe/logger.ts';
import { mebibyte } from '../../units.ts';

interface SetAsideFile {
  readonly path: string;
  readonly bytes: number;
}

const suffix = '.damaged';
const filesMax = 100;
const bytesMax = 64 * mebibyte;

/**
 * Segments in which something is damaged, kept for inspection: within bounds, and only while the
 * spool has no better use for their room. The oldest go first (5.11).
 */
export class SetAside {
  readonly #files: SetAsideFile[] = [];
  readonly #logger: Logger;
  #dropped = 0;

  private constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** With what an earlier process has set aside. */
  static async open(directory: string, logger: Logger): Promise<SetAside> {
    const setAside = new SetAside(logger);
    const names = (await readdir(directory)).filter((name) => name.endsWith(suffix)).sort();
    for (const name of names) {
      const path = join(directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found) await setAside.#keep({ path, bytes: found.size });
    }
    return setAside;
  }

  /** What a segment is called when it is set aside. */
  static pathOf(segmentPath: string): string {
    return `${segmentPath}${suffix}`;
  }

  get bytes(): number {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Files that were deleted to stay within the bounds. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes in a segment that has its new name already. */
  async add(segmentPath: string, bytes: number): Promise<void> {
    await this.#keep({ path: SetAside.pathOf(segmentPath), bytes });
  }

  /** Gives up so many bytes, to batches. */
  async giveUp(bytes: number): Promise<void> {
    const left = this.bytes - bytes;
    await this.#dropWhile(() => this.bytes > left);
  }

  async #keep(file: SetAsideFile): Promise<void> {
    this.#files.push(file);
    await this.#dropWhile(() => this.#files.length > filesMax || this.bytes > bytesMax);
  }

  async #dropWhile(isTooMuch: () => boolean): Promise<void> {
    const dropped: SetAsideFile[] = [];
    while (isTooMuch()) dropped.push(this.#files.shift() as SetAsideFile);
    for (const { path, bytes } of dropped) {
      try {
        await unlink(path);
        this.#dropped += 1;
        this.#logger.warn({ path, bytes }, 'a damaged segment is deleted: there are too many');
      } catch (error) {
        // An operator may have taken it away already.
        this.#logger.debug({ err: error }, 'a damaged segment could not be deleted');
      }
    }
  }
}
