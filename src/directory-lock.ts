import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, StartError } from './errors.ts';

const lockName = 'lock.db';
const retryMs = 50;
/** https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

/** How much longer than it was told to another collector on a directory may take to stop. */
const stopMarginMs = 2000;

/** How long another collector that may be stopping is waited for. */
export const lockWaitMs = ({ shutdownMsMax }: { readonly shutdownMsMax: number }): number =>
  shutdownMsMax + stopMarginMs;

/**
 * Makes this process the only owner of a directory. The lock is one that the kernel holds on an
 * open file (SQLite takes it for us): it ends with the process, however that ends.
 */
export class DirectoryLock {
  readonly #directory: string;
  readonly #file: DatabaseSync;

  private constructor(directory: string, file: DatabaseSync) {
    this.#directory = directory;
    this.#file = file;
  }

  /**
   * Takes the lock of a directory, which is created where there is none. Where another process has
   * it, which may be on its way down, `onWait` is called and it is waited for. Throws a `StartError`.
   */
  static async take(
    directory: string,
    waitMsMax: number,
    onWait: () => void,
  ): Promise<DirectoryLock> {
    const file = openLockFile(directory);
    for (let waitedMs = 0; ; waitedMs += retryMs) {
      try {
        file.exec('pragma locking_mode = exclusive; begin exclusive');
        return new DirectoryLock(directory, file);
      } catch (error) {
        const busy = (error as { errcode?: number }).errcode === sqliteBusy;
        if (busy && waitedMs < waitMsMax) {
          if (waitedMs === 0) onWait();
          await sleep(retryMs);
          continue;
        }
        file.close();
        if (!busy) throw unusable(directory, error);
        const waited = waitedMs > 0 ? `, which has not stopped within ${waitMsMax} ms` : '';
        throw new StartError(`the directory ${directory} is in use by another collector${waited}`, {
          cause: error,
        });
      }
    }
  }

  /**
   * Whether the directory can be read at the moment, and is the one that was locked: a volume may
   * be away, or have another in its place. The lock's file is not opened: closing it would end the lock.
   */
  async isInPlace(): Promise<boolean> {
    return await readdir(this.#directory).then(
      (names) => names.includes(lockName),
      () => false,
    );
  }

  /** May be called again. */
  release(): void {
    if (this.#file.isOpen) this.#file.close();
  }
}

/**
 * Makes a directory that is closed to others, where there is none. Folders above it are as open as
 * folders are: the embedded PostgreSQL, which may run as another user, has to pass through.
 */
export function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(dirname(directory), { recursive: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** Opened by hand first: the system says what is in the way, where SQLite only says that something is. */
function openLockFile(directory: string): DatabaseSync {
  const path = join(directory, lockName);
  makePrivateDirectory(directory);
  try {
    closeSync(openSync(path, 'a+'));
    return new DatabaseSync(path);
  } catch (error) {
    throw unusable(directory, error);
  }
}

const unusable = (directory: string, cause: unknown) =>
  new StartError(
    `TELEMETRY_DATA_DIR: the directory ${directory} can't be used: ${errorMessage(cause)}`,
    { cause },
  );
