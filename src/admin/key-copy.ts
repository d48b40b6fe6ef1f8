import { readFileSync, renameSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Key } from './key.ts';
import type { KeyTable } from './key-store.ts';

/** Each says where it was: the release before takes it for a key all the same. */
type CopiedKey = Key & { readonly of?: KeyTable };

const fileName = 'keys.json';

/** The database's keys as they were last known, on disk: hashes, and no secrets. */
export class KeyCopy {
  readonly #directory: string;
  readonly #file: string;
  #written = '';

  constructor(directory: string) {
    this.#directory = directory;
    this.#file = join(directory, fileName);
  }

  /** Undefined where there is no copy that can be read. */
  read(): { readonly keys: Key[]; readonly table: KeyTable | undefined } | undefined {
    try {
      this.#written = readFileSync(this.#file, 'utf8');
      const copied = JSON.parse(this.#written) as CopiedKey[];
      return { keys: copied.map(({ of: _, ...key }) => revived(key)), table: copied[0]?.of };
    } catch (error) {
      if (error instanceof SyntaxError) renameSync(this.#file, `${this.#file}.damaged`);
      return undefined;
    }
  }

  /** Takes the place of the copy at once, or not at all. */
  async write(keys: readonly Key[], table: KeyTable | undefined): Promise<void> {
    const text = JSON.stringify(keys.map(({ lastUsedAt: _, ...key }) => ({ ...key, of: table })));
    if (text === this.#written) return;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // Several processes may write it at once.
    const next = `${this.#file}.${process.pid}.new`;
    const file = await open(next, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, this.#file);
    this.#written = text;
  }
}

function revived(key: Key): Key {
  const date = (time: Date | string | undefined) =>
    time === undefined ? undefined : new Date(time);
  const { createdAt, expiresAt, revokedAt } = key;
  return {
    ...key,
    createdAt: date(createdAt),
    expiresAt: date(expiresAt),
    revokedAt: date(revokedAt),
  };
}
