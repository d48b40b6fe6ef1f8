import { open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryLock } from '../../directory-lock.ts';
import { ServiceError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import { mebibyte } from '../../units.ts';
import type { Batch, Group } from '../batch.ts';
import { DiskReserve } from './disk-reserve.ts';
import { encodeRecord, readSegment } from './record.ts';
import { Segment } from './segment.ts';
import { SetAside } from './set-aside.ts';

export interface SpoolOptions {
  readonly directory: string;
  /** Bound on all segments together, and on what is set aside of them. */
  readonly bytesMax: number;
  /** Free disk that is left to the database. */
  readonly diskReserveBytes: number;
  /** How long another collector on the directory, which may be stopping, is waited for. */
  readonly lockWaitMsMax?: number;
  readonly logger: Logger;
}

/** The oldest segment, closed, as the drain gets it. */
export interface ClosedSegment {
  readonly batches: readonly Batch[];
  /** Those that nobody accounts for: written before this process began, or refused by it (5.4). */
  readonly recovered: readonly Batch[];
  /** Damaged records, which are lost to the drain. */
  readonly damaged: number;
  /** Deletes it, or sets it aside where something in it is damaged. */
  remove(): Promise<void>;
}

interface ClosedFile {
  readonly path: string;
  bytes: number;
  readonly recovered: boolean;
  readonly refused: ReadonlySet<string>;
  /** Settled when nothing is written to it any more. */
  readonly written: Promise<unknown>;
}

const foundFile = async (path: string): Promise<ClosedFile> => ({
  path,
  bytes: (await stat(path)).size,
  recovered: true,
  refused: new Set(),
  written: Promise.resolve(),
});

const segmentBytesMax = 8 * mebibyte;
const segmentPattern = /^spool-(\d+)\.log$/;
/** No number is used again while a segment that has it is set aside. */
const numberPattern = /^spool-(\d+)\.log(\.damaged)?$/;

/** Batches on the local disk, in segments that are written in order and drained in order. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #lock: DirectoryLock;
  readonly #closed: ClosedFile[];
  readonly #setAside: SetAside;
  readonly #disk: DiskReserve;
  #active: Segment | undefined;
  #opening: Promise<Segment> | undefined;
  #nextNumber: number;

  private constructor(
    options: SpoolOptions,
    lock: DirectoryLock,
    closed: ClosedFile[],
    setAside: SetAside,
    nextNumber: number,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#closed = closed;
    this.#setAside = setAside;
    this.#disk = new DiskReserve(options.directory, options.diskReserveBytes);
    this.#nextNumber = nextNumber;
  }

  /** Opens a directory, of which no other process may be the owner, with what is left in it. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { directory, lockWaitMsMax = 0, logger } = options;
    const lock = await DirectoryLock.take(directory, lockWaitMsMax, () =>
      logger.info({ directory }, 'waiting for another collector to let go of the spool'),
    );
    const all = await readdir(options.directory);
    const names = all.filter((name) => segmentPattern.test(name)).sort();
    const closed = await Promise.all(
      names.map(async (name) => await foundFile(join(options.directory, name))),
    );
    const numbers = all.map((name) => Number(numberPattern.exec(name)?.[1] ?? 0));
    const setAside = await SetAside.open(options.directory, options.logger);
    const spool = new Spool(options, lock, closed, setAside, Math.max(0, ...numbers) + 1);
    await spool.#disk.ask();
    return spool;
  }

  get bytes(): number {
    return this.#closed.reduce((sum, { bytes }) => sum + bytes, this.#active?.bytes ?? 0);
  }

  get isEmpty(): boolean {
    return this.#closed.length === 0 && !this.#active;
  }

  /** What is kept of segments in which something is damaged. */
  get setAside(): Pick<SetAside, 'bytes' | 'dropped'> {
    return this.#setAside;
  }

  /** Throws where the disk is nearly full (3.3). */
  checkDisk(): void {
    if (this.#disk.isLow) throw full('the disk is nearly full');
  }

  /**
   * Resolves when all batches of a group are on disk. Throws a `ServiceError`: `overloaded` where
   * the spool or the disk is full, `retryable` where writing failed.
   */
  async append(group: Group): Promise<void> {
    const record = Buffer.concat(group.batches.map((batch) => encodeRecord(batch, group.id)));
    this.#checkRoom(record.length);
    let segment: Segment | undefined;
    try {
      segment = await this.#writable();
      await segment.append(record);
    } catch (cause) {
      segment?.refused.add(group.id);
      if (segment && this.#active === segment) await this.#closeActive().catch(() => {});
      throw new ServiceError('retryable', 'writing to the spool failed', { cause });
    }
  }

  /** The oldest segment; undefined when there is none. */
  async oldest(): Promise<ClosedSegment | undefined> {
    if (this.#closed.length === 0 && this.#active) await this.#closeActive();
    const file = this.#closed[0];
    if (!file) return undefined;
    await file.written;
    if (this.#closed[0] !== file) return await this.oldest();
    const { batches, damaged } = readSegment(await readFile(file.path));
    return {
      batches,
      damaged,
      recovered: batches.filter(
        ({ groupId }) => file.recovered || file.refused.has(groupId as string),
      ),
      remove: async () => {
        this.#closed.shift();
        if (damaged === 0) return await unlink(file.path);
        await rename(file.path, SetAside.pathOf(file.path));
        await this.#setAside.add(file.path, file.bytes);
      },
    };
  }

  async close(): Promise<void> {
    if (this.#active) await this.#closeActive();
    this.#lock.release();
  }

  async #writable(): Promise<Segment> {
    if (this.#active && (this.#active.failed || this.#active.bytes >= segmentBytesMax)) {
      await this.#closeActive();
    }
    if (this.#active) return this.#active;
    this.#opening ??= this.#create().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  async #create(): Promise<Segment> {
    const name = `spool-${String(this.#nextNumber++).padStart(10, '0')}.log`;
    const segment = await Segment.create(join(this.#options.directory, name));
    await syncDirectory(this.#options.directory);
    this.#active = segment;
    return segment;
  }

  async #closeActive(): Promise<void> {
    const segment = this.#active;
    if (!segment) return;
    this.#active = undefined;
    const closing = segment.close();
    const { path, bytes, refused } = segment;
    const file: ClosedFile = {
      path,
      bytes,
      recovered: false,
      refused,
      written: closing.then(
        (left) => this.#measured(file, left),
        () => {},
      ),
    };
    this.#closed.push(file);
    await closing;
  }

  /** After a failed write there is less than was to be written, or nothing at all. */
  #measured(file: ClosedFile, bytes: number): void {
    file.bytes = bytes;
    if (bytes === 0) this.#closed.splice(this.#closed.indexOf(file), 1);
  }

  #checkRoom(bytes: number): void {
    const missing = this.bytes + this.#setAside.bytes + bytes - this.#options.bytesMax;
    if (missing > this.#setAside.bytes) {
      throw full('the database is not taking data, and the spool is full');
    }
    this.checkDisk();
    if (missing > 0) void this.#setAside.giveUp(missing);
  }
}

const full = (what: string) => new ServiceError('overloaded', what, { retryDelayMs: 5000 });

/** A new file is only as durable as its entry in the directory. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
