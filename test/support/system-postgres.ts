import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverUser } from '../../src/postgres/embedded/binaries.ts';
import { databaseUrl } from './database.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const packages = '/usr/lib/postgresql';

/** Major versions of PostgreSQL that the system's own packages have installed. */
export function installedVersions(): string[] {
  if (!existsSync(packages)) return [];
  return readdirSync(packages).filter((version) =>
    existsSync(join(packages, version, 'bin/initdb')),
  );
}

export interface SystemPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** A server of an installed version, with a database directory of its own. */
export async function startSystemPostgres(version: string): Promise<SystemPostgres> {
  const directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  const user = serverUser(data);
  mkdirSync(data);
  chmodSync(data, 0o700);
  if (user) chownSync(data, user.uid, user.gid);
  const run = { ...user, cwd: '/', stdio: 'ignore' } as const;
  const bin = join(packages, version, 'bin');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8'],
    run,
  );
  const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${data}`];
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings], run);
  // There is a socket before the server takes anybody.
  const isReady = () => spawnSync(join(bin, 'pg_isready'), ['-q', '-h', data], run).status === 0;
  while (!isReady()) await sleep(20);
  return {
    url: databaseUrl(data, 'postgres'),
    stop: async () => {
      const exited = once(server, 'exit');
      server.kill('SIGINT');
      await exited;
      directory.remove();
    },
  };
}
