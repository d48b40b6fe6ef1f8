import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isOfSpool, uuidV7 } from './spool-files.ts';

/** An `.open` file of a living process is left alone for so long (clause 4.3). */
const orphanMsMin = 60_000;
const dayMs = 86_400_000;
/** Older batches might be past what the service remembers (clause 4.5). */
export const batchAgeMsMax = 7 * dayMs;

const kinds = ['open', 'jsonl', 'damaged', 'refused'] as const;
const namePattern = new RegExp(`^(${uuidV7})\\.(?:(.+)-(\\d+)\\.)?(${kinds.join('|')})$`);

/** What the name of a file of a spool says; undefined of any other (clause 4.3). */
export interface SpoolName {
  readonly name: string;
  readonly uuid: string;
  /** Being written; to be delivered; set aside: unreadable, or too large. */
  readonly kind: (typeof kinds)[number];
  /** Who writes an open file. */
  readonly host: string | undefined;
  readonly pid: number;
}

function spoolName(name: string): SpoolName | undefined {
  const [, uuid, host, pid, kind] = namePattern.exec(name) ?? [];
  if (!uuid || (kind === 'open') !== (host !== undefined)) return undefined;
  return { name, uuid, kind: kind as SpoolName['kind'], host, pid: Number(pid) };
}

/** Slashes and the like of a host's name have no place in a file's. */
const ownHost = () => hostname().replace(/[^A-Za-z0-9-]/g, '_') || 'host';

export const openName = (uuid: string) => `${uuid}.${ownHost()}-${process.pid}.open`;
export const closedName = (name: string) => `${name.slice(0, 36)}.jsonl`;

/** The milliseconds since 1970 that a UUIDv7 begins with. */
export const timeOfMs = (uuid: string) => Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);

/** What there is of a spool, oldest first. Whatever else the directory holds is not looked at. */
export async function filesIn(directory: string): Promise<SpoolName[]> {
  try {
    const names = (await readdir(directory)).sort();
    return names.map(spoolName).filter((file) => file !== undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Closed files, oldest first; orphans are closed on the way, and what was set aside long ago is
 * removed. `own`: the file being written here.
 */
export async function closedFiles(directory: string, own: string | undefined): Promise<string[]> {
  const names: string[] = [];
  for (const file of await filesIn(directory)) {
    const path = join(directory, file.name);
    if (file.kind === 'jsonl') names.push(file.name);
    else if (file.name === own || !isDue(file) || !(await isOfSpool(path, file))) continue;
    else if (file.kind !== 'open' || (await isEmpty(path))) await rm(path, { force: true });
    else if (await close(directory, file.name)) names.push(closedName(file.name));
  }
  return names;
}

const isEmpty = (path: string) =>
  lstat(path).then(
    ({ size }) => size === 0,
    () => false,
  );

const isDue = (file: SpoolName) =>
  file.kind === 'open' ? isOrphan(file) : Date.now() - timeOfMs(file.uuid) > batchAgeMsMax;

/** Gives an open file its closed name. False where somebody else was quicker, or is in the way. */
export async function close(directory: string, name: string): Promise<boolean> {
  const to = join(directory, closedName(name));
  const isFree = await lstat(to).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
  if (!isFree) return false;
  return rename(join(directory, name), to).then(
    () => true,
    () => false,
  );
}

function isOrphan({ uuid, host, pid }: SpoolName): boolean {
  if (Date.now() - timeOfMs(uuid) > orphanMsMin) return true;
  return host === ownHost() && !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
