import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { prepareCluster } from '../../src/postgres/embedded/cluster.ts';
import { freePort } from './free-port.ts';
import { silentLogger } from './logger.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const certificates = new URL('certificates/', import.meta.url).pathname;
/** Whom the server's certificate is by, and somebody else. */
export const authority = join(certificates, 'ca.crt');
export const otherAuthority = join(certificates, 'other-ca.crt');

export interface TcpPostgres {
  readonly port: number;
  /** Runs one query as superuser. */
  query(text: string): Promise<void>;
  stop(): Promise<void>;
}

export interface TcpPostgresOptions {
  /** It has a certificate for `localhost`, by `authority`. */
  readonly tls?: boolean;
  /** Who may come in: `host` by default, `hostssl` with TLS only, `hostnossl` without. */
  readonly access?: 'host' | 'hostssl' | 'hostnossl';
  /** It replays what nobody sends, until it is promoted. */
  readonly standby?: boolean;
}

/** A server of its own on a port of 127.0.0.1. */
export async function startTcpPostgres(options: TcpPostgresOptions = {}): Promise<TcpPostgres> {
  const { tls = false, access = 'host', standby = false } = options;
  const directory = temporaryDirectory();
  const root = join(directory.path, 'data');
  mkdirSync(root);
  const { data, binaries, user, socket } = await prepareCluster(root, silentLogger);
  const port = await freePort();
  const hba = `local all all trust\n${access} all all 127.0.0.1/32 trust\n`;
  writeFileSync(join(data, 'pg_hba.conf'), hba);
  for (const file of ['server.crt', 'server.key']) {
    copyFileSync(join(certificates, file), join(data, file));
    chmodSync(join(data, file), 0o600);
    if (user) chownSync(join(data, file), user.uid, user.gid);
  }
  if (standby) writeFileSync(join(data, 'standby.signal'), '');
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: socket,
    ssl: tls ? 'on' : 'off',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(binaries.postgres, ['-D', data, ...args], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
  });
  const query = async (text: string) => {
    const client = new pg.Client({ host: socket, port, user: 'postgres', database: 'postgres' });
    await client.connect();
    await client.query(text);
    await client.end();
  };
  while (
    !(await query('select').then(
      () => true,
      () => false,
    ))
  )
    await sleep(20);
  return {
    port,
    query,
    stop: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const exited = once(server, 'exit');
      server.kill('SIGINT');
      await exited;
      directory.remove();
    },
  };
}
