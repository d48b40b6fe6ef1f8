import { readFile, rename, stat, truncate, unlink } from 'node:fs/promises';
import { toldMessage } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Batch } from '../batch.ts';
import { type ReadSegment, readSegment } from './record.ts';
import { SetAside } from './set-aside.ts';

/** A segment that is closed. */
export interface ClosedFile {
  readonly path: string;
  bytes: number;
  /** Written before this process began. */
  readonly recovered: boolean;
  /** Groups whose append has failed, though they may be in the file. */
  readonly refused: ReadonlySet<string>;
  /** Settled when nothing is written to it any more. */
  readonly written: Promise<unknown>;
}

/** The oldest segment, closed, as the drain gets it. */
export interface ClosedSegment {
  readonly batches: readonly Batch[];
  /** Those that nobody accounts for: written before this process began, or refused by it (5.4). */
  readonly recovered: readonly Batch[];
  /** Damaged records, which are lost to the drain. */
  readonly damaged: number;
  /**
   * Deletes it, or sets it aside where something in it is damaged, or is still needed by somebody
   * (`keep`). It is drained and won't be drained again, whether that succeeds or not.
   */
  remove(keep?: boolean): Promise<void>;
}

export const foundFile = async (path: string): Promise<ClosedFile> => ({
  path,
  // What can't be looked at can't be read either, which is told when its turn comes.
  bytes: await stat(path).then(
    ({ size }) => size,
    () => 0,
  ),
  recovered: true,
  refused: new Set(),
  written: Promise.resolve(),
});

/** So often a segment that can't be read is tried. */
const readsMax = 3;

/** The segments that wait to be drained, in order, and those that are drained and won't go away. */
export class ClosedSegments {
  readonly #waiting: ClosedFile[];
  readonly #setAside: SetAside;
  readonly #isInPlace: () => Promise<boolean>;
  readonly #logger: Logger;
  /** Drained, and not to be drained again, however long they stay. */
  readonly #done = new Map<ClosedFile, { readonly damaged: boolean }>();
  /** Why the last of them has not gone; '' where none has failed to. */
  #staysBecause = '';
  #reads = 0;

  /** `isInPlace`: whether the fault of a segment is its own, and not that of its directory. */
  constructor(
    found: readonly ClosedFile[],
    setAside: SetAside,
    isInPlace: () => Promise<boolean>,
    logger: Logger,
  ) {
    this.#waiting = [...found];
    this.#setAside = setAside;
    this.#isInPlace = isInPlace;
    this.#logger = logger;
  }

  get oldest(): ClosedFile | undefined {
    return this.#waiting[0];
  }

  get count(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return [...this.#waiting, ...this.#done.keys()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Segments that are drained and can't be deleted or set aside, and why. */
  get obstacle(): string | undefined {
    if (this.#staysBecause === '') return undefined;
    return `${this.#done.size} drained segments can't be deleted: ${this.#staysBecause}`;
  }

  add(file: ClosedFile): void {
    this.#waiting.push(file);
  }

  forget(file: ClosedFile): void {
    const position = this.#waiting.indexOf(file);
    if (position >= 0) this.#waiting.splice(position, 1);
  }

  /** What is in the oldest. One that can't be read is damaged as a whole; the first times it throws. */
  async read(file: ClosedFile): Promise<ClosedSegment> {
    const { batches, damaged } = await this.#contentOf(file);
    return {
      batches,
      damaged,
      recovered: batches.filter(
        ({ groupId }) => file.recovered || file.refused.has(groupId as string),
      ),
      remove: (keep = false) => this.#remove(file, keep || damaged > 0),
    };
  }

  async #contentOf(file: ClosedFile): Promise<ReadSegment> {
    try {
      const content = readSegment(await readFile(file.path));
      this.#reads = 0;
      return content;
    } catch (error) {
      if (await this.#isInPlace()) this.#reads += 1;
      if (this.#reads < readsMax) throw error;
      this.#reads = 0;
      this.#logger.error({ err: error, path: file.path }, 'a segment of the spool is unreadable');
      return { batches: [], damaged: 1 };
    }
  }

  async #remove(file: ClosedFile, damaged: boolean): Promise<void> {
    this.forget(file);
    this.#done.set(file, { damaged });
    await this.tidy();
  }

  /** Tries again to get rid of what is drained. */
  async tidy(): Promise<void> {
    for (const [file, { damaged }] of [...this.#done]) {
      try {
        if (damaged) await rename(file.path, SetAside.pathOf(file.path));
        else await unlink(file.path);
        this.#done.delete(file);
        if (damaged) await this.#setAside.add(file.path, file.bytes);
      } catch (error) {
        await this.#stay(file, damaged, error);
      }
    }
    if (this.#done.size === 0) this.#staysBecause = '';
  }

  async #stay(file: ClosedFile, damaged: boolean, error: unknown): Promise<void> {
    const { path } = file;
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing && (await this.#isInPlace())) {
      this.#done.delete(file);
      return;
    }
    if (this.#staysBecause === '') {
      this.#logger.error({ err: error, path }, 'a drained segment can not be deleted');
    }
    this.#staysBecause = toldMessage(error);
    if (damaged || file.bytes === 0) return;
    // The next process must not take it for one that is still to be drained.
    const empty = () => {
      file.bytes = 0;
    };
    await truncate(path).then(empty, () => {});
  }
}
