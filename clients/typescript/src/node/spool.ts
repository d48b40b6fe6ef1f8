import { accessSync, constants, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from '../counters.ts';
import type { Batch } from '../encode.ts';
import type { Fallback, WaitingBatch, WaitingBatches } from '../fallback.ts';
import type { Notices } from '../notices.ts';
import type { Settings } from '../options.ts';
import { closedFiles, isClosed, isOpen, namesIn, sizeOf, spoolPlaces } from './spool-directory.ts';
import { readLine } from './spool-lines.ts';
import { linesOf, SpoolReader } from './spool-reader.ts';
import { SpoolWriter } from './spool-writer.ts';

/** Keeps batches in files until the service is back (clause 4). */
export class Spool implements Fallback {
  readonly waiting: WaitingBatches;
  readonly #writer: SpoolWriter;
  readonly #tally: Tally;
  readonly #notices: Notices;
  readonly #bytesMax: number;

  constructor(settings: Settings, tally: Tally, notices: Notices) {
    const directory = settings.spoolDirectory ?? firstWritable(spoolPlaces(process.env));
    this.#writer = new SpoolWriter(directory, () => this.#keepBounded());
    this.#tally = tally;
    this.#notices = notices;
    this.#bytesMax = settings.spoolBytesMax;
    const reader = new SpoolReader(directory, tally);
    this.waiting = {
      next: () => this.#next(reader),
      closeFile: () => this.#writer.closeFile().catch((error) => this.#warn(error)),
    };
  }

  async take(batch: Batch): Promise<void> {
    try {
      await this.#writer.append(batch.line());
      this.#tally.spooled += batch.records;
    } catch (error) {
      this.#tally.drop('spool_failed', batch.records);
      this.#warn(error);
    }
  }

  takeNow(batches: readonly Batch[]): void {
    const records = batches.reduce((sum, batch) => sum + batch.records, 0);
    try {
      this.#writer.writeNow(batches.map((batch) => batch.line()));
      this.#tally.spooled += records;
    } catch (error) {
      this.#tally.drop('spool_failed', records);
      this.#warn(error);
    }
  }

  async #next(reader: SpoolReader): Promise<WaitingBatch | undefined> {
    const batch = await reader.next(this.#writer.openName);
    if (batch || this.#writer.openName === undefined) return batch;
    await this.#writer.closeFile();
    return reader.next(undefined);
  }

  /** Drops the oldest closed files where there is too much (clause 4.5). */
  async #keepBounded(): Promise<void> {
    const { directory } = this.#writer;
    const names = (await namesIn(directory)).filter((name) => isOpen(name) || isClosed(name));
    const sizes = await Promise.all(names.map((name) => sizeOf(join(directory, name))));
    let excess = sizes.reduce((sum, bytes) => sum + bytes, 0) - this.#bytesMax;
    for (const name of await closedFiles(directory, this.#writer.openName)) {
      if (excess <= 0) return;
      const path = join(directory, name);
      excess -= await sizeOf(path);
      this.#tally.drop('spool_full', await recordsIn(path));
      await rm(path, { force: true });
    }
  }

  #warn(error: unknown): void {
    this.#notices.warn(`the spool ${this.#writer.directory} fails: ${error}`);
  }
}

async function recordsIn(path: string): Promise<number> {
  let records = 0;
  for (const line of (await linesOf(path)) ?? []) {
    try {
      records += readLine(line).records;
    } catch {
      records += 1;
    }
  }
  return records;
}

function firstWritable(places: readonly string[]): string {
  const writable = places.find((place) => {
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      accessSync(place, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  });
  return writable ?? (places[0] as string);
}
