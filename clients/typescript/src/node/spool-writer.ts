import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { access, type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterMs } from '../timers.ts';
import { close, closedName, openName } from './spool-directory.ts';

/** When a file is closed, so that it can be delivered (clause 4.3). */
const fileBytesMax = 1024 * 1024;
const fileAgeMsMax = 5000;

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  bytes: number;
}

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

  /** Writes a file of its own at once. Throws where the disk is full, and leaves nothing of it. */
  writeNow(lines: readonly string[]): void {
    const name = openName(uuidv7());
    const path = join(this.directory, name);
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      for (const line of lines) writeAll(descriptor, Buffer.from(line));
      fsyncSync(descriptor);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
    renameSync(path, join(this.directory, closedName(name)));
  }

  /** The file that is being written, if there is one; at the end of the process. */
  closeNow(): void {
    const name = this.#file?.name;
    this.#file = undefined;
    if (name === undefined) return;
    const to = join(this.directory, closedName(name));
    try {
      if (!existsSync(to)) renameSync(join(this.directory, name), to);
    } catch {}
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
    const name = openName(uuidv7());
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
    // On a disk that stays full each try would leave one.
    if (file.bytes === 0) await rm(join(this.directory, file.name), { force: true });
    else await close(this.directory, file.name);
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
