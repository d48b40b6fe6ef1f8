import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../observe/logger.ts';
import {
  type Binaries,
  findBinaries,
  majorVersion,
  runnableBinaries,
  type ServerUser,
  serverUser,
} from './binaries.ts';

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

/** Makes `directory` hold a database of the binaries' major version, creating it when it is new. */
export async function prepareCluster(directory: string, logger: Logger): Promise<Cluster> {
  const packaged = await findBinaries();
  const name = `postgresql-${majorVersion(packaged.postgres)}`;
  const data = join(directory, name);
  const user = serverUser(data);
  // The server's user has to pass through; what is inside stays closed.
  if (user) {
    chmodSync(directory, 0o711);
    checkReachable(directory, user);
  }
  const binaries = runnableBinaries(packaged, user, join(directory, `${name}-binaries`));
  if (!existsSync(data)) createCluster(data, binaries, user, logger);
  return { data, socket: socketDirectory(data, user), binaries, user };
}

function checkReachable(directory: string, user: ServerUser): void {
  if (spawnSync('test', ['-x', directory], { ...user, cwd: '/' }).status === 0) return;
  throw new Error(
    `${directory} lies in a folder that user ${user.uid} can't enter, and PostgreSQL, which refuses to ` +
      'run as root, runs as that user: choose another TELEMETRY_DATA_DIR, or run as another user',
  );
}

/** Fills a directory beside the final one first: one that is half filled never counts. */
function createCluster(
  data: string,
  binaries: Binaries,
  user: ServerUser | undefined,
  logger: Logger,
): void {
  const partial = `${data}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  if (user) chownSync(partial, user.uid, user.gid);
  logger.info({ directory: data }, 'creating the embedded PostgreSQL');
  const result = spawnSync(
    binaries.initdb,
    // Only the owner of the socket's directory can connect: that is the authentication.
    ['-D', partial, '-U', userName, '--auth=trust', '--encoding=UTF8', '--locale=C'],
    { ...user, cwd: '/', encoding: 'utf8' },
  );
  if (result.status !== 0) {
    throw new Error(`initdb failed in ${partial}: ${result.stderr || result.error?.message}`);
  }
  renameSync(partial, data);
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
