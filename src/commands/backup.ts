import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { isSegment } from '../buffer/spool/files.ts';
import type { Config } from '../config.ts';
import { DatabaseService } from '../database/database-service.ts';
import { makePrivateDirectory } from '../directory-lock.ts';
import { errorMessage, StartError } from '../errors.ts';
import { copyCluster, copyTree } from '../postgres/embedded/base-backup.ts';
import { serverUser } from '../postgres/embedded/binaries.ts';
import { packagedName } from '../postgres/embedded/cluster.ts';
import { runningServer } from '../postgres/embedded/server.ts';
import { version } from '../version.ts';
import { command, type Run } from './command.ts';

/** Written last: a folder without it is no backup. */
const manifestFile = 'backup.json';

interface Manifest {
  readonly version: string;
  readonly postgresql: string;
  readonly finished_at: string;
}

/** `backup <directory>`: the embedded database and the spool, beside a running collector or without. */
const backUp: Run = async (config, logger, { args: [directory = ''] }) => {
  refuseForeign(config, 'backed up');
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new StartError(`${directory} is not empty: a backup is made in a folder of its own`);
  }
  const database = await DatabaseService.join(config, logger, false);
  try {
    const server = runningServer(config.dataDirectory);
    if (!server) throw new StartError('the embedded PostgreSQL is not running');
    const cluster = packagedName();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // First: what is drained meanwhile is in both, and known by its id.
    await copyTree(join(config.dataDirectory, 'spool'), join(directory, 'spool'), isOfSpool);
    await copyCluster(server, join(config.dataDirectory, cluster), join(directory, cluster));
    spawnSync('sync');
    const manifest = { version, postgresql: cluster, finished_at: new Date().toISOString() };
    await writeFile(join(directory, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
    return { json: { directory, ...manifest }, shown: [`backed up to ${directory}`] };
  } finally {
    await database.close();
  }
};

/** `restore <directory>`: makes of a backup the data directory of a collector that is not there yet. */
const restore: Run = async (config, _logger, { args: [directory = ''] }) => {
  refuseForeign(config, 'restored');
  const manifest = await readManifest(directory);
  const cluster = packagedName();
  if (manifest.postgresql !== cluster) {
    throw new StartError(
      `${directory} holds ${manifest.postgresql}, and this release runs ${cluster}: restore it with release ${manifest.version}`,
    );
  }
  const { dataDirectory } = config;
  const there = existsSync(dataDirectory) ? readdirSync(dataDirectory) : [];
  const inTheWay = there.find((name) => /^postgresql-\d+$/.test(name));
  if (inTheWay) {
    throw new StartError(
      `TELEMETRY_DATA_DIR: ${join(dataDirectory, inTheWay)} is there: name another directory, or move it away`,
    );
  }
  makePrivateDirectory(dataDirectory);
  const [target, partial] = [cluster, `${cluster}.partial`].map((name) =>
    join(dataDirectory, name),
  );
  rmSync(partial as string, { recursive: true, force: true });
  await copyTree(join(directory, cluster), partial as string);
  giveToServer(partial as string, target as string);
  await copyTree(join(directory, 'spool'), join(dataDirectory, 'spool'), isOfSpool);
  spawnSync('sync');
  renameSync(partial as string, target as string);
  return {
    json: { directory: dataDirectory, ...manifest },
    shown: [`restored to ${dataDirectory}: start a collector on it`],
  };
};

/** Also of further processes, which have folders of their own. */
const isOfSpool = (path: string): boolean => isSegment(basename(path));

/** Who runs the server has to own its files. */
function giveToServer(partial: string, target: string): void {
  const user = serverUser(target);
  chmodSync(partial, 0o700);
  if (!user) return;
  chownSync(partial, user.uid, user.gid);
  for (const name of readdirSync(partial, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(partial, name), user.uid, user.gid);
  }
}

async function readManifest(directory: string): Promise<Manifest> {
  try {
    return JSON.parse(await readFile(join(directory, manifestFile), 'utf8'));
  } catch (error) {
    throw new StartError(`${directory} is no complete backup: ${errorMessage(error)}`);
  }
}

function refuseForeign({ databaseUrl }: Config, what: string): void {
  if (databaseUrl === '') return;
  throw new StartError(
    `DATABASE_URL: only the embedded PostgreSQL is ${what} by this command: yours has pg_dump and pg_basebackup`,
  );
}

export const backupCommand = (): Command =>
  command('backup <directory>', 'copy the embedded database and the spool', backUp);

export const restoreCommand = (): Command =>
  command('restore <directory>', 'make a data directory of such a copy', restore);
