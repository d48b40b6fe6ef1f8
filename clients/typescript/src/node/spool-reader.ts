import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from '../counters.ts';
import type { WaitingBatch } from '../fallback.ts';
import { batchAgeMsMax, closedFiles, damagedName, timeOfMs } from './spool-directory.ts';
import { readLine } from './spool-lines.ts';

/** The file being delivered, and the lines of it that have no answer yet. */
interface CurrentFile {
  readonly name: string;
  readonly lines: string[];
}

/** Goes through the closed files of a spool, oldest first, line by line (clause 4.4). */
export class SpoolReader {
  readonly #directory: string;
  readonly #tally: Tally;
  #current: CurrentFile | undefined;

  constructor(directory: string, tally: Tally) {
    this.#directory = directory;
    this.#tally = tally;
  }

  /** The oldest batch; the same until it is settled. `own`: the file being written here. */
  async next(own: string | undefined): Promise<WaitingBatch | undefined> {
    for (;;) {
      this.#current ??= await this.#open(own);
      const current = this.#current;
      if (!current) return undefined;
      const [line] = current.lines;
      const batch = line === undefined ? undefined : await this.#read(current.name, line);
      const settled = () => this.#settled(current);
      if (batch) return { ...batch, settled };
      await settled();
    }
  }

  async #open(own: string | undefined): Promise<CurrentFile | undefined> {
    for (const name of await closedFiles(this.#directory, own)) {
      const lines = await linesOf(join(this.#directory, name));
      if (lines) return { name, lines };
    }
    return undefined;
  }

  async #read(name: string, line: string): Promise<ReturnType<typeof readLine> | undefined> {
    try {
      const batch = readLine(line);
      if (Date.now() - timeOfMs(batch.id) < batchAgeMsMax) return batch;
      this.#tally.drop('spool_expired', batch.records);
    } catch {
      this.#tally.drop('spool_damaged', 1);
      await appendFile(join(this.#directory, damagedName(name)), `${line}\n`).catch(() => {});
    }
    return undefined;
  }

  async #settled(file: CurrentFile): Promise<void> {
    file.lines.shift();
    if (file.lines.length > 0) return;
    this.#current = undefined;
    await rm(join(this.#directory, file.name), { force: true });
  }
}

/** Undefined where another process has delivered the file by now. */
export async function linesOf(path: string): Promise<string[] | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return text.split('\n').filter((line) => line !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
