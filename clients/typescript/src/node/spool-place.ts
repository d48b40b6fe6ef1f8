import { accessSync, constants, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { access, lstat, mkdir, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isOwn } from './spool-files.ts';

interface Place {
  readonly path: string;
  readonly isDefault: boolean;
}

/** Where a spool may be, best first (clause 4.2). */
function places(given: string | undefined, env: NodeJS.ProcessEnv): Place[] {
  if (given !== undefined) return [{ path: given, isDefault: false }];
  const user = process.getuid?.() ?? 'user';
  const state = stateDirectory(env);
  const paths = [
    ...(state === undefined ? [] : [join(state, 'gravitas-telemetry')]),
    join(tmpdir(), `gravitas-telemetry-${user}`),
  ];
  return paths.map((path) => ({ path, isDefault: true }));
}

/** Undefined where there is no home. What is relative would be another place for each program. */
function stateDirectory({ XDG_STATE_HOME = '' }: NodeJS.ProcessEnv): string | undefined {
  if (isAbsolute(XDG_STATE_HOME)) return XDG_STATE_HOME;
  try {
    const home = homedir();
    return isAbsolute(home) ? join(home, '.local', 'state') : undefined;
  } catch {
    // A user who is in no list of users.
    return undefined;
  }
}

/** Throws where a directory is not to be trusted: others might read it, or give us their files. */
function trust({ path, isDefault }: Place, stats: Stats): void {
  if (!stats.isDirectory()) throw new Error(`${path} is no directory`);
  // Volumes of containers are root's.
  if (!isOwn(stats) && (isDefault || stats.uid !== 0)) {
    throw new Error(`${path} belongs to user ${stats.uid}`);
  }
  const isOpenToAll = process.getuid !== undefined && (stats.mode & 0o022) !== 0;
  if (isDefault && isOpenToAll) throw new Error(`${path} can be written by others`);
}

const making = { recursive: true, mode: 0o700 };

/** The first directory that can be had, made where it isn't there. Rejects where there is none. */
export async function placeToWrite(given: string | undefined): Promise<string> {
  let failure: unknown;
  for (const place of places(given, process.env)) {
    try {
      await mkdir(place.path, making);
      trust(place, await (place.isDefault ? lstat : stat)(place.path));
      await access(place.path, constants.W_OK);
      return place.path;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** The same at once, for the end of a process. */
export function placeToWriteNow(given: string | undefined): string {
  let failure: unknown;
  for (const place of places(given, process.env)) {
    try {
      mkdirSync(place.path, making);
      trust(place, (place.isDefault ? lstatSync : statSync)(place.path));
      accessSync(place.path, constants.W_OK);
      return place.path;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** A directory that is there; undefined where there is none, so that nothing is spooled yet. */
export async function placeToRead(given: string | undefined): Promise<string | undefined> {
  for (const place of places(given, process.env)) {
    try {
      trust(place, await (place.isDefault ? lstat : stat)(place.path));
      await access(place.path, constants.W_OK);
      return place.path;
    } catch {}
  }
  return undefined;
}
