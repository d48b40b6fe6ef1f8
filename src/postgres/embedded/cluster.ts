import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, StartError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import {
  type Binaries,
  findBinaries,
  majorVersion,
  runnableBinaries,
  type ServerUser,
  serverUser,
} from './binaries.ts';

const execute = promisify(execFile);

export const userName = 'postgres';
/** A Unix socket's path has 107 bytes at most; the file's own name takes some. */
const socketDirectoryBytesMax = 80;

/** A database directory that is ready to be served. */
export interface Cluster {
  readonly data: string;
  readonly socket: string;
  readonly binaries: Binaries;
  readonly user: ServerUser | undefined;
}

/** Where the database of `directory` is, or will be, with what is needed to create and to serve it. */
export async function locateCluster(directory: string): Promise<Cluster> {
  const packaged = findBinaries();
  const name = clusterName(directory);
  const data = join(directory, name);
  const user = serverUser(data);
  // The server's user has to pass through; what is inside stays closed.
  if (user) {
    chmodSync(directory, 0o711);
    checkReachable(directory, user);
  }
  const binaries = runnableBinaries(packaged, user, join(directory, `${name}-binaries`));
  return { data, socket: socketDirectory(data, user), binaries, user };
}

/** What a database of the packaged PostgreSQL is called, after its major version. */
export const packagedName = (): string => `postgresql-${majorVersion(findBinaries().postgres)}`;

/**
 * What the database of `directory` is called. Throws where there is one of
 * another version, which is not passed by: an empty one beside it would look like loss.
 */
export function clusterName(directory: string): string {
  const name = packagedName();
  const clusters = clustersIn(directory);
  const [other] = clusters;
  if (other === undefined || clusters.includes(name)) return name;
  throw new StartError(
    `TELEMETRY_DATA_DIR: ${directory} holds ${other}, and this release runs ${name}: ` +
      'go on with the release before, or see docs/operating.md for how to take its data along',
  );
}

const clustersIn = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory).filter((name) => /^postgresql-\d+$/.test(name))
    : [];

/** Whether a database was created in `directory`, of whatever version. */
export const holdsCluster = (directory: string): boolean => clustersIn(directory).length > 0;

/** Makes `directory` hold a database of the binaries' major version, creating it when it is new. */
export async function prepareCluster(directory: string, logger: Logger): Promise<Cluster> {
  const cluster = await locateCluster(directory);
  await createCluster(cluster, logger);
  return cluster;
}

function checkReachable(directory: string, user: ServerUser): void {
  if (spawnSync('test', ['-x', directory], { ...user, cwd: '/' }).status === 0) return;
  throw new StartError(
    `TELEMETRY_DATA_DIR: ${directory} lies in a folder that user ${user.uid} can't enter, and PostgreSQL, which refuses to ` +
      'run as root, runs as that user: choose another TELEMETRY_DATA_DIR, or run as another user',
  );
}

/**
 * Creates the database where there is none. Fills a directory beside the final one first: one that
 * is half filled never counts.
 */
export async function createCluster(cluster: Cluster, logger: Logger): Promise<void> {
  const { data, binaries, user } = cluster;
  if (existsSync(data)) return;
  const partial = `${data}.partial`;
  logger.info({ directory: data }, 'creating the embedded PostgreSQL');
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: 0o700 });
    if (user) chownSync(partial, user.uid, user.gid);
    await execute(
      binaries.initdb,
      // Only the owner of the socket's directory can connect: that is the authentication.
      ['-D', partial, '-U', userName, '--auth=trust', '--encoding=UTF8', '--locale=C'],
      { ...user, cwd: '/' },
    );
    renameSync(partial, data);
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const reason = /\b(?:FATAL|PANIC|error): +(.*)/.exec(stderr)?.[1] ?? errorMessage(error);
    throw new StartError(`the embedded PostgreSQL can't be created in ${data}: ${reason}`, {
      cause: error,
    });
  }
}

/** In the data directory where its path is short enough, or else in the temporary folder. */
function socketDirectory(data: string, user: ServerUser | undefined): string {
  if (Buffer.byteLength(data) <= socketDirectoryBytesMax) return data;
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 16);
  const directory = join(tmpdir(), `gravitas-telemetry-${hash}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (user) chownSync(directory, user.uid, user.gid);
  return directory;
}
