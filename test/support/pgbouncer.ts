import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { debianProgram, environmentOf, type Installed } from './debian.ts';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** See `debianProgram`. */
export const pgbouncer = debianProgram('usr/sbin/pgbouncer', [
  'pgbouncer',
  'libevent-2.1-7',
  'libc-ares2',
]);

export interface PgBouncer {
  readonly port: number;
  /** Everything it has logged so far. */
  readonly logs: readonly string[];
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A pooler in transaction mode before the server of a socket, for roles that need no password. */
export async function startPgBouncer(
  socketDirectory: string,
  roles: readonly string[],
  poolSize = 20,
): Promise<PgBouncer> {
  const installed = pgbouncer as Installed;
  const directory = temporaryDirectory();
  const port = await freePort();
  const usersFile = join(directory.path, 'users.txt');
  const configFile = join(directory.path, 'pgbouncer.ini');
  writeFileSync(usersFile, roles.map((role) => `"${role}" ""\n`).join(''));
  writeFileSync(
    configFile,
    `[databases]
* = host=${socketDirectory}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${usersFile}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
server_login_retry = 1
`,
  );
  for (const file of [usersFile, configFile]) chmodSync(file, 0o644);
  // It refuses to run as root, and only the server's user can open the socket.
  const { uid, gid } = statSync(socketDirectory);
  const server = spawn(installed.program, [configFile], {
    uid,
    gid,
    env: environmentOf(installed),
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // A test that fails may not come to stopping it.
  const kill = () => server.kill();
  process.once('exit', kill);
  const logs: string[] = [];
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`PgBouncer ended: ${logs.join('\n')}`)));
    createInterface({ input: server.stderr }).on('line', (line) => {
      logs.push(line);
      if (/process up/.test(line)) resolve();
    });
  });
  return {
    port,
    logs,
    stop: async (signal = 'SIGTERM') => {
      const exited = once(server, 'exit');
      process.off('exit', kill);
      server.kill(signal);
      await exited;
      directory.remove();
    },
  };
}
