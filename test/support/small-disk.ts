import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

/** A disk of so many MiB, in memory. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;
  readonly #unmount = (): void => {
    execFileSync('umount', ['--lazy', this.path]);
  };

  constructor(path: string, mebibytes: number) {
    this.path = path;
    this.#ballast = join(path, 'ballast');
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], {
      stdio: 'ignore',
    });
    chmodSync(path, 0o711);
    process.once('exit', this.#unmount);
  }

  /** Leaves room for no single byte, or for nearly so many. */
  fill(bytesLeft = 0): void {
    const file = openSync(this.#ballast, 'a');
    try {
      const block = Buffer.alloc(4096);
      while (writeSync(file, block) > 0) {
        // Until the disk says that it is full.
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
    truncateSync(this.#ballast, Math.max(0, statSync(this.#ballast).size - bytesLeft));
  }

  /** Makes room again. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    process.off('exit', this.#unmount);
    this.#unmount();
  }
}

/** Whether this process may mount file systems: as root on Linux, and not in every container. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0 && tryToMount();

function tryToMount(): boolean {
  const directory = temporaryDirectory();
  try {
    new SmallDisk(directory.path, 1).unmount();
    return true;
  } catch {
    return false;
  } finally {
    directory.remove();
  }
}
