import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryLock } from '../../directory-lock.ts';
import { ServiceError, toldMessage } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import { mebibyte } from '../../units.ts';
import type { Group } from '../batch.ts';
import {
  type ClosedFile,
  type ClosedSegment,
  ClosedSegments,
  foundFile,
} from './closed-segments.ts';
import { DiskReserve } from './disk-reserve.ts';
import { isSegment, nextNumber, segmentName, syncDirectory, testWrite } from './files.ts';
import { encodeRecord } from './record.ts';
import { Segment } from './segment.ts';
import { SetAside } from './set-aside.ts';

export interface SpoolOptions {
  readonly directory: string;
  /** Bound on all segments together, and on what is set aside of them. */
  readonly bytesMax: number;
  /** Of that bound, what spools of others take that are still to be drained. */
  readonly bytesElsewhere?: () => number;
  /** Free disk that is left to the database. */
  readonly diskReserveBytes: number;
  /** How long another collector on the directory, which may be stopping, is waited for. */
  readonly lockWaitMsMax?: number;
  readonly logger: Logger;
}

const segmentBytesMax = 8 * mebibyte;

/** Batches on the local disk, in segments that are written in order and drained in order. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #lock: DirectoryLock;
  readonly #closed: ClosedSegments;
  readonly #setAside: SetAside;
  readonly #disk: DiskReserve;
  #active: Segment | undefined;
  #opening: Promise<Segment> | undefined;
  #nextNumber: number;
  /** Of the last group for which there was no room. */
  #wantedBytes = 0;
  /** Why the last append has failed. */
  #failure: string | undefined;

  private constructor(
    options: SpoolOptions,
    lock: DirectoryLock,
    closed: ClosedSegments,
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
    const all = await readdir(directory);
    const names = all.filter(isSegment).sort();
    const found = await Promise.all(names.map((name) => foundFile(join(directory, name))));
    const setAside = await SetAside.open(directory, logger);
    const closed = new ClosedSegments(found, setAside, () => lock.isInPlace(), logger);
    const spool = new Spool(options, lock, closed, setAside, nextNumber(all));
    await spool.#disk.ask();
    return spool;
  }

  get bytes(): number {
    return this.#closed.bytes + (this.#active?.bytes ?? 0);
  }

  /** Segments that are still to be drained. */
  get segments(): number {
    return this.#closed.count + (this.#active ? 1 : 0);
  }

  /** What is kept of segments in which something is damaged. */
  get setAside(): Pick<SetAside, 'bytes' | 'dropped'> {
    return this.#setAside;
  }

  /** Throws where the disk is nearly full (3.3). */
  checkDisk(): void {
    if (this.#disk.isLow) throw full(diskIsLow);
  }

  /** Why nothing can be appended at the moment; undefined where it can, as far as is known. */
  get obstacle(): string | undefined {
    if (this.#missing(this.#wantedBytes) > this.#setAside.bytes) return 'it is full';
    return this.#failure;
  }

  /** What should be looked at, and does not keep anything from being appended. */
  get concern(): string | undefined {
    return this.#closed.obstacle;
  }

  get diskObstacle(): string | undefined {
    return this.#disk.isLow ? diskIsLow : undefined;
  }

  /** Finds out whether what the last append failed of is over. */
  async testDirectory(): Promise<void> {
    if (this.#failure === undefined) return;
    try {
      await testWrite(join(this.#options.directory, 'test'));
      this.#failure = undefined;
    } catch (error) {
      this.#failure = toldMessage(error);
    }
  }

  /**
   * Resolves when all batches of a group are on disk. Throws a `ServiceError`: `overloaded` where
   * spool or disk is full, `retryable` where writing failed. There is room for what is moved, always.
   */
  async append(group: Group, how: 'new' | 'moved' = 'new'): Promise<void> {
    const record = Buffer.concat(group.batches.map((batch) => encodeRecord(batch, group.id)));
    if (how === 'new') this.#checkRoom(record.length);
    let segment: Segment | undefined;
    try {
      segment = await this.#writable();
      await segment.append(record);
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = toldMessage(cause);
      segment?.refused.add(group.id);
      if (segment && this.#active === segment) await this.#closeActive().catch(() => {});
      throw new ServiceError('retryable', 'writing to the spool failed', { cause });
    }
  }

  /** The oldest segment; undefined when there is none. Throws where it can't be read, a few times. */
  async oldest(): Promise<ClosedSegment | undefined> {
    if (!this.#closed.oldest && this.#active) await this.#closeActive();
    const file = this.#closed.oldest;
    if (!file) return undefined;
    await file.written;
    if (this.#closed.oldest !== file) return await this.oldest();
    return await this.#closed.read(file);
  }

  /** Tries again what could not be done to segments that are drained. */
  async tidy(): Promise<void> {
    await this.#closed.tidy();
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
    const name = segmentName(this.#nextNumber++);
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
      ...{ path, bytes, refused, recovered: false },
      written: closing.then(
        (left) => this.#measured(file, left),
        () => {},
      ),
    };
    this.#closed.add(file);
    await closing;
  }

  /** After a failed write there is less than was to be written, or nothing at all. */
  #measured(file: ClosedFile, bytes: number): void {
    file.bytes = bytes;
    if (bytes === 0) this.#closed.forget(file);
  }

  #checkRoom(bytes: number): void {
    const missing = this.#missing(bytes);
    if (missing > this.#setAside.bytes) {
      this.#wantedBytes = bytes;
      throw full('the database is not taking data, and the spool is full');
    }
    this.checkDisk();
    this.#disk.take(bytes);
    if (missing > 0) void this.#setAside.giveUp(missing);
  }

  /** Bytes that would have to go for so many more. */
  #missing(bytes: number): number {
    const others = this.#options.bytesElsewhere?.() ?? 0;
    return this.bytes + this.#setAside.bytes + others + bytes - this.#options.bytesMax;
  }
}

const diskIsLow = 'the disk is nearly full';

const full = (what: string) => new ServiceError('overloaded', what, { retryDelayMs: 5000 });
