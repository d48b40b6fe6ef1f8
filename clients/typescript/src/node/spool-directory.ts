import { readdir, rename, stat } from 'node:fs/promises';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** An `.open` file of a living process is left alone for so long (clause 4.3). */
const orphanMsMin = 60_000;
const dayMs = 86_400_000;
/** Older batches might be past what the service remembers (clause 4.5). */
export const batchAgeMsMax = 7 * dayMs;

/** Slashes and the like of a host's name have no place in a file's. */
export const ownHost = hostname().replace(/[^\w.-]/g, '_');

export const isOpen = (name: string) => name.endsWith('.open');
export const isClosed = (name: string) => name.endsWith('.jsonl');
const uuidOf = (name: string) => name.slice(0, 36);
export const closedName = (name: string) => `${uuidOf(name)}.jsonl`;
export const damagedName = (name: string) => `${uuidOf(name)}.damaged`;

/** The milliseconds since 1970 that a UUIDv7 begins with. */
export const timeOfMs = (uuid: string) => Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);

/** The places for a spool that nobody named, best first. */
export function spoolPlaces(env: NodeJS.ProcessEnv): string[] {
  const state = env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  return [state, tmpdir()].map((place) => join(place, 'gravitas-telemetry'));
}

/** Names of the closed files, oldest first; orphans are closed on the way. */
export async function closedFiles(directory: string, own: string | undefined): Promise<string[]> {
  const names: string[] = [];
  for (const name of await namesIn(directory)) {
    if (isClosed(name)) names.push(name);
    else if (isOpen(name) && name !== own && isOrphan(name)) {
      if (await renamed(directory, name)) names.push(closedName(name));
    }
  }
  return names.sort();
}

export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** False where somebody else was quicker. */
async function renamed(directory: string, name: string): Promise<boolean> {
  try {
    await rename(join(directory, name), join(directory, closedName(name)));
    return true;
  } catch {
    return false;
  }
}

/** `<uuidv7>.<host>-<pid>.open` */
function isOrphan(name: string): boolean {
  if (Date.now() - timeOfMs(name) > orphanMsMin) return true;
  const [, host, pid] = /^[^.]+\.(.+)-(\d+)\.open$/.exec(name) ?? [];
  return host === ownHost && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** 0 where it is gone. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
