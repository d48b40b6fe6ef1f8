import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from '../counters.ts';
import type { Batch } from '../encode.ts';
import type { Fallback, WaitingBatch, WaitingBatches } from '../fallback.ts';
import type { Notices } from '../notices.ts';
import type { Settings } from '../options.ts';
import { lineOf } from '../split.ts';
import { textOf } from '../texts.ts';
import type { Sendable } from '../transport.ts';
import { filesIn } from './spool-directory.ts';
import { contentOf, linesOf, sizeOf, writeWhole } from './spool-files.ts';
import { readLine } from './spool-lines.ts';
import { placeToRead, placeToWrite, placeToWriteNow } from './spool-place.ts';
import { SpoolReader } from './spool-reader.ts';
import { SpoolWriter } from './spool-writer.ts';

/** At the end of a process, too, files have about this size. */
const fileBytesMax = 1024 * 1024;

/** Keeps batches in files until the service is back (clause 4). */
export class Spool implements Fallback {
  readonly waiting: WaitingBatches;
  readonly #settings: Settings;
  readonly #tally: Tally;
  readonly #notices: Notices;
  /** Absent until something has to be written. */
  #writer: SpoolWriter | undefined;
  #reader: SpoolReader | undefined;

  constructor(settings: Settings, tally: Tally, notices: Notices) {
    this.#settings = settings;
    this.#tally = tally;
    this.#notices = notices;
    this.waiting = {
      next: () => this.#next(),
      closeFile: async () => this.#writer?.closeFile().catch((error) => this.#warn(error)),
    };
  }

  async take(batch: Batch): Promise<void> {
    try {
      const writer = this.#writer ?? this.#write(await placeToWrite(this.#settings.spoolDirectory));
      await writer.append(batch.line());
      this.#tally.spooled += batch.records;
    } catch (error) {
      this.#tally.drop('spool_failed', batch.records);
      this.#warn(error);
    }
  }

  takeNow(batches: readonly Batch[]): void {
    this.#writer?.closeNow();
    for (const group of bySize(batches)) {
      const records = group.reduce((sum, batch) => sum + batch.records, 0);
      try {
        const writer = this.#writer ?? this.#write(placeToWriteNow(this.#settings.spoolDirectory));
        writer.writeNow(group.map((batch) => batch.line()));
        this.#tally.spooled += records;
      } catch (error) {
        this.#tally.drop('spool_failed', records);
        this.#warn(error);
      }
    }
  }

  async setAside(batch: Sendable): Promise<void> {
    this.#tally.drop('refused', batch.records);
    try {
      const directory = await placeToWrite(this.#settings.spoolDirectory);
      await writeWhole(join(directory, `${batch.id}.refused`), Buffer.from(lineOf(batch)));
    } catch (error) {
      this.#warn(error);
    }
  }

  #write(directory: string): SpoolWriter {
    if (!this.#writer) {
      const onClosed = () => this.#keepBounded(directory).catch((error) => this.#warn(error));
      this.#writer = new SpoolWriter(directory, onClosed);
      if (this.#reader?.directory !== directory) this.#reader = undefined;
    }
    return this.#writer;
  }

  async #next(): Promise<WaitingBatch | undefined> {
    const reader = this.#reader ?? (await this.#startReading());
    const batch = await reader?.next(this.#writer?.openName);
    if (batch || !this.#writer?.openName) return batch;
    await this.#writer.closeFile();
    return this.#reader?.next(undefined);
  }

  async #startReading(): Promise<SpoolReader | undefined> {
    const directory = this.#writer?.directory ?? (await placeToRead(this.#settings.spoolDirectory));
    if (directory === undefined) return undefined;
    await this.#keepBounded(directory);
    this.#reader ??= new SpoolReader(directory, this.#tally);
    return this.#reader;
  }

  /** Drops the oldest files where there is too much (clause 4.5). */
  async #keepBounded(directory: string): Promise<void> {
    const files = await filesIn(directory);
    const sizes = await Promise.all(files.map((file) => sizeOf(join(directory, file.name), file)));
    let excess = sizes.reduce((sum, bytes) => sum + bytes, 0) - this.#settings.spoolBytesMax;
    for (const [at, { name, kind }] of files.entries()) {
      if (excess <= 0) return;
      const bytes = sizes[at] ?? 0;
      if (kind === 'open' || bytes === 0) continue;
      const path = join(directory, name);
      excess -= bytes;
      // What was set aside is counted already.
      if (kind === 'jsonl') this.#tally.drop('spool_full', await recordsIn(path));
      await rm(path, { force: true });
    }
  }

  #warn(error: unknown): void {
    this.#notices.warn(`the spool fails: ${textOf(error)}`);
  }
}

async function recordsIn(path: string): Promise<number> {
  let records = 0;
  for (const line of linesOf((await contentOf(path)) ?? Buffer.alloc(0))) {
    try {
      records += readLine(line).records;
    } catch {
      records += 1;
    }
  }
  return records;
}

/** Batches that go into one file. */
function bySize(batches: readonly Batch[]): Batch[][] {
  const groups: Batch[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const batch of batches) {
    if (bytes >= fileBytesMax) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(batch);
    bytes += batch.bytes.length;
  }
  return groups;
}
