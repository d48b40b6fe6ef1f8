import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, globSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Where whoever the database server runs as can run it. */
const cache = join(tmpdir(), 'telemetry-test-pgbouncer');
const packages = ['pgbouncer', 'libevent-2.1-7', 'libc-ares2'];

interface Installed {
  readonly program: string;
  /** Of libraries beside those of the system. */
  readonly libraries?: string;
}

/**
 * The PgBouncer of this machine, or else the one of its Debian, unpacked without being
 * installed. Undefined where there is neither; tests are skipped then, and counted.
 */
export const pgbouncer = find() ?? unpack();

function find(): Installed | undefined {
  const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find(
    existsSync,
  );
  return program === undefined ? undefined : { program };
}

function unpack(): Installed | undefined {
  const program = join(cache, 'usr/sbin/pgbouncer');
  try {
    if (!existsSync(program)) {
      mkdirSync(cache, { recursive: true });
      execFileSync('apt-get', ['download', ...packages], { cwd: cache, stdio: 'ignore' });
      for (const file of globSync('*.deb', { cwd: cache })) {
        execFileSync('dpkg', ['-x', join(cache, file), cache]);
      }
    }
  } catch {
    console.warn(`no PgBouncer here, and none to be had by apt-get: its tests are skipped`);
    return undefined;
  }
  const [libraries = ''] = globSync('usr/lib/*-linux-gnu*', { cwd: cache });
  return { program, libraries: join(cache, libraries) };
}

export interface PgBouncer {
  readonly port: number;
  /** Everything it has logged so far. */
  readonly logs: readonly string[];
  stop(): Promise<void>;
}

/** A pooler in transaction mode before the server of a socket, for roles that need no password. */
export async function startPgBouncer(
  socketDirectory: string,
  roles: readonly string[],
  poolSize = 20,
): Promise<PgBouncer> {
  const { program, libraries } = pgbouncer as Installed;
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
`,
  );
  for (const file of [usersFile, configFile]) chmodSync(file, 0o644);
  // It refuses to run as root, and only the server's user can open the socket.
  const { uid, gid } = statSync(socketDirectory);
  const env = { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) };
  const server = spawn(program, [configFile], {
    uid,
    gid,
    env,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // A test that fails may not come to stopping it.
  process.once('exit', () => server.kill());
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
    stop: async () => {
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
      directory.remove();
    },
  };
}
