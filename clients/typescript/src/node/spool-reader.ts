import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from '../counters.ts';
import type { WaitingBatch } from '../fallback.ts';
import type { Sendable } from '../transport.ts';
import { batchAgeMsMax, closedFiles, timeOfMs } from './spool-directory.ts';
import { contentOf, linesOf, writeWhole } from './spool-files.ts';
import { readLine } from './spool-lines.ts';

/** A file that is being delivered. */
interface CurrentFile {
  readonly name: string;
  /** Those that have no answer yet. */
  readonly lines: Buffer[];
  readonly damaged: Buffer[];
  /** Lines that wait until the others have been tried. */
  passedOver: number;
}

/** Goes through the closed files of a spool, oldest first, line by line (clause 4.4). */
export class SpoolReader {
  readonly directory: string;
  readonly #tally: Tally;
  #current: CurrentFile | undefined;
  #passedOver: WaitingBatch[] = [];
  readonly #filesPassedOver = new Set<string>();

  constructor(directory: string, tally: Tally) {
    this.directory = directory;
    this.#tally = tally;
  }

  /** The oldest batch; the same until it is settled or passed over. `own`: what is written here. */
  async next(own: string | undefined): Promise<WaitingBatch | undefined> {
    for (;;) {
      this.#current ??= await this.#open(own);
      const file = this.#current;
      if (!file) return this.#passedOver[0];
      const [line] = file.lines;
      const batch = line && this.#read(line, file.damaged);
      if (batch) return this.#waiting(batch, file);
      file.lines.shift();
      await this.#finish(file);
    }
  }

  #waiting(batch: Sendable, file: CurrentFile): WaitingBatch {
    const waiting: WaitingBatch = {
      ...batch,
      settled: async () => {
        if (this.#passedOver.includes(waiting)) {
          this.#passedOver = this.#passedOver.filter((each) => each !== waiting);
          file.passedOver -= 1;
        } else file.lines.shift();
        await this.#finish(file);
      },
      passOver: async () => {
        const again = this.#passedOver.indexOf(waiting);
        if (again >= 0) this.#passedOver.push(...this.#passedOver.splice(again, 1));
        else {
          file.lines.shift();
          file.passedOver += 1;
          this.#passedOver.push(waiting);
        }
        await this.#finish(file);
      },
    };
    return waiting;
  }

  async #open(own: string | undefined): Promise<CurrentFile | undefined> {
    for (const name of await closedFiles(this.directory, own)) {
      if (this.#filesPassedOver.has(name)) continue;
      const content = await contentOf(join(this.directory, name));
      if (content) return { name, lines: linesOf(content), damaged: [], passedOver: 0 };
    }
    return undefined;
  }

  #read(line: Buffer, damaged: Buffer[]): Sendable | undefined {
    try {
      const batch = readLine(line);
      if (Date.now() - timeOfMs(batch.id) < batchAgeMsMax) return batch;
      this.#tally.drop('spool_expired', batch.records);
    } catch {
      damaged.push(line);
    }
    return undefined;
  }

  async #finish({ name, lines, damaged, passedOver }: CurrentFile): Promise<void> {
    if (lines.length > 0) return;
    if (this.#current?.name === name) this.#current = undefined;
    if (passedOver > 0) {
      this.#filesPassedOver.add(name);
      return;
    }
    if (damaged.length > 0) await this.#keep(name, damaged);
    // Of those that have met them the one who removes the file counts them (clause 4.5). One that
    // can't be removed is not delivered again and again.
    this.#filesPassedOver.add(name);
    const isRemoved = await removed(join(this.directory, name));
    this.#filesPassedOver.delete(name);
    if (isRemoved) {
      this.#tally.drop('spool_damaged', damaged.length);
    }
  }

  async #keep(name: string, damaged: readonly Buffer[]): Promise<void> {
    const path = join(this.directory, `${name.slice(0, 36)}.damaged`);
    const text = Buffer.concat(damaged.flatMap((line) => [line, Buffer.from('\n')]));
    // Where there is one already, it holds the same.
    await writeWhole(path, text).catch(() => {});
  }
}

/** Whether it was there. */
async function removed(path: string): Promise<boolean> {
  try {
    await rm(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
