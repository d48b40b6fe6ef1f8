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
  readonly #settings: Settings;
  readonly #tally: Tally;
  readonly #notices: Notices;
  #files: { readonly writer: SpoolWriter; readonly reader: SpoolReader } | undefined;

  constructor(settings: Settings, tally: Tally, notices: Notices) {
    this.#settings = settings;
    this.#tally = tally;
    this.#notices = notices;
    this.waiting = {
      next: () => this.#next(),
      closeFile: () =>
        this.#open()
          .writer.closeFile()
          .catch((error) => this.#warn(error)),
    };
  }

  /** Looks at the disk, which the caller of the first record must not wait for. */
  #open(): { readonly writer: SpoolWriter; readonly reader: SpoolReader } {
    if (!this.#files) {
      const directory = this.#settings.spoolDirectory ?? firstWritable(spoolPlaces(process.env));
      const writer = new SpoolWriter(directory, () => this.#keepBounded(writer));
      this.#files = { writer, reader: new SpoolReader(directory, this.#tally) };
    }
    return this.#files;
  }

  async take(batch: Batch): Promise<void> {
    try {
      await this.#open().writer.append(batch.line());
      this.#tally.spooled += batch.records;
    } catch (error) {
      this.#tally.drop('spool_failed', batch.records);
      this.#warn(error);
    }
  }

  takeNow(batches: readonly Batch[]): void {
    const records = batches.reduce((sum, batch) => sum + batch.records, 0);
    try {
      this.#open().writer.writeNow(batches.map((batch) => batch.line()));
      this.#tally.spooled += records;
    } catch (error) {
      this.#tally.drop('spool_failed', records);
      this.#warn(error);
    }
  }

  async #next(): Promise<WaitingBatch | undefined> {
    const { writer, reader } = this.#open();
    const batch = await reader.next(writer.openName);
    if (batch || writer.openName === undefined) return batch;
    await writer.closeFile();
    return reader.next(undefined);
  }

  /** Drops the oldest closed files where there is too much (clause 4.5). */
  async #keepBounded({ directory, openName }: SpoolWriter): Promise<void> {
    const names = (await namesIn(directory)).filter((name) => isOpen(name) || isClosed(name));
    const sizes = await Promise.all(names.map((name) => sizeOf(join(directory, name))));
    let excess = sizes.reduce((sum, bytes) => sum + bytes, 0) - this.#settings.spoolBytesMax;
    for (const name of await closedFiles(directory, openName)) {
      if (excess <= 0) return;
      const path = join(directory, name);
      excess -= await sizeOf(path);
      this.#tally.drop('spool_full', await recordsIn(path));
      await rm(path, { force: true });
    }
  }

  #warn(error: unknown): void {
    this.#notices.warn(`the spool ${this.#files?.writer.directory} fails: ${error}`);
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
