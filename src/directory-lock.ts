import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Makes this process the only owner of a directory. The lock is one that the kernel holds on an
 * open file (SQLite takes it for us): it ends with the process, however that ends.
 */
export class DirectoryLock {
  readonly #file: DatabaseSync;

  constructor(directory: string) {
    this.#file = new DatabaseSync(join(directory, 'lock.db'));
    try {
      this.#file.exec('pragma locking_mode = exclusive; begin exclusive');
    } catch (cause) {
      this.#file.close();
      throw new Error(`the directory ${directory} is in use by another collector`, { cause });
    }
  }

  release(): void {
    this.#file.close();
  }
}
