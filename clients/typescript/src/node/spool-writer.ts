import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { access, type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterMs } from '../timers.ts';
import { closedName, ownHost } from './spool-directory.ts';

/** When a file is closed, so that it can be delivered (clause 4.3). */
const fileBytesMax = 1024 * 1024;
const fileAgeMsMax = 5000;

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  bytes: number;
}

const openName = () => `${uuidv7()}.${ownHost}-${process.pid}.open`;

/** Appends lines to files of this process's own, each line flushed to the disk (clause 4.3). */
export class SpoolWriter {
  readonly directory: string;
  readonly #onClosed: () => Promise<void>;
  #file: OpenFile | undefined;
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** `onClosed` is called when a file has been closed. */
  constructor(directory: string, onClosed: () => Promise<void>) {
    this.directory = directory;
    this.#onClosed = onClosed;
  }

  get openName(): string | undefined {
    return this.#file?.name;
  }

  /** Rejects where the disk takes nothing. */
  append(line: string): Promise<void> {
    return this.#inTurn(async () => {
      const bytes = Buffer.from(line);
      // Somebody may take a file for an orphan's; then it may have been read without this line.
      do await this.#write(bytes);
      while (!(await this.#isStillOpen()));
      if ((this.#file?.bytes ?? 0) >= fileBytesMax) await this.#close();
    });
  }

  /** Closes the file that is being written, so that all may have it. */
  closeFile(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  /** Writes a file of its own at once, and closes the open one. Throws where the disk is full. */
  writeNow(lines: readonly string[]): void {
    const file = this.#file;
    if (file) {
      this.#file = undefined;
      renameQuietly(join(this.directory, file.name), join(this.directory, closedName(file.name)));
    }
    if (lines.length === 0) return;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const name = openName();
    const path = join(this.directory, name);
    const descriptor = openSync(path, 'ax', 0o600);
    for (const line of lines) writeAll(descriptor, Buffer.from(line));
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(path, join(this.directory, closedName(name)));
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#file ??= await this.#create();
    const file = this.#file;
    try {
      await file.handle.appendFile(bytes);
      await file.handle.datasync();
      file.bytes += bytes.length;
    } catch (error) {
      // What stands there of the line would spoil the next.
      await file.handle.truncate(file.bytes).catch(() => {});
      await this.#close();
      throw error;
    }
  }

  async #create(): Promise<OpenFile> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const name = openName();
    const file = { name, handle: await open(join(this.directory, name), 'ax', 0o600), bytes: 0 };
    afterMs(fileAgeMsMax, () => {
      if (this.#file === file) void this.closeFile().catch(() => {});
    });
    return file;
  }

  async #isStillOpen(): Promise<boolean> {
    const file = this.#file;
    // At the end of the process the file was closed with the line in it.
    if (!file) return true;
    try {
      await access(join(this.directory, file.name));
      return true;
    } catch {
      await file.handle.close();
      this.#file = undefined;
      return false;
    }
  }

  async #close(): Promise<void> {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    await file.handle.close();
    const path = join(this.directory, file.name);
    await rename(path, join(this.directory, closedName(file.name))).catch(() => {});
    await this.#onClosed();
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => {});
    return result;
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

function renameQuietly(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {}
}
