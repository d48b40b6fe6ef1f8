import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DirectoryLock } from '../../directory-lock.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ConnectionSettings } from '../pool.ts';
import { type Cluster, prepareCluster, userName } from './cluster.ts';

const databaseName = 'gravitas_telemetry';

/** Decided for a small service that shares its machine; durability is never traded. */
const settings = {
  listen_addresses: '',
  // As many as the options for writers and queries can ask for.
  max_connections: 100,
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  wal_compression: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/**
 * A PostgreSQL server of our own, in a directory of ours, reached by a Unix socket that only its
 * owner can open. It is a process group of its own, so that Ctrl-C reaches the collector first,
 * and a watchdog stops it when the collector has died. Should it die itself, it is started again.
 */
export class EmbeddedPostgres {
  readonly connection: ConnectionSettings;
  readonly #cluster: Cluster;
  readonly #lock: DirectoryLock;
  readonly #logger: Logger;
  #server: ChildProcess;
  #stopping = false;

  private constructor(cluster: Cluster, lock: DirectoryLock, logger: Logger) {
    this.connection = { host: cluster.socket, user: userName, database: databaseName };
    this.#cluster = cluster;
    this.#lock = lock;
    this.#logger = logger;
    this.#server = this.#launch();
  }

  /** Starts the server in `directory`, which is created and filled when it is new. */
  static async start(directory: string, logger: Logger): Promise<EmbeddedPostgres> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = new DirectoryLock(directory);
    let embedded: EmbeddedPostgres | undefined;
    try {
      const cluster = await prepareCluster(directory, logger);
      await stopOrphan(cluster.data, logger);
      embedded = new EmbeddedPostgres(cluster, lock, logger);
      await untilReady(embedded.connection);
      return embedded;
    } catch (error) {
      await embedded?.stop();
      lock.release();
      throw error;
    }
  }

  /** Of the server process, which the watchdog and the operator know it by. */
  get pid(): number | undefined {
    return this.#server.pid;
  }

  /** Ends the connections and stops, with a checkpoint; at the deadline without one. */
  async stop(deadlineMs = 8000): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#server.exitCode === null && this.#server.signalCode === null) {
      const exited = once(this.#server, 'exit');
      this.#server.kill('SIGINT');
      const late = setTimeout(() => this.#server.kill('SIGQUIT'), deadlineMs);
      await exited;
      clearTimeout(late);
    }
    this.#lock.release();
  }

  #launch(): ChildProcess {
    const server = startServer(this.#cluster, this.#logger);
    const watchdog = startWatchdog(server);
    server.once('exit', (code, signal) => {
      watchdog.kill();
      if (this.#stopping) return;
      this.#logger.error({ code, signal }, 'the embedded PostgreSQL has died and is started again');
      setTimeout(() => {
        if (!this.#stopping) this.#server = this.#launch();
      }, 500);
    });
    return server;
  }
}

/** How to reach the server that another process has started in `directory`, if there is one. */
export function runningServer(directory: string): ConnectionSettings | undefined {
  if (!existsSync(directory)) return undefined;
  for (const name of readdirSync(directory)) {
    const data = join(directory, name);
    const pidFile = join(data, 'postmaster.pid');
    if (!existsSync(pidFile)) continue;
    // Its lines: https://www.postgresql.org/docs/current/storage-file-layout.html
    const [pid, , , , socket] = readFileSync(pidFile, 'utf8').split('\n');
    if (!socket || !commandOf(Number(pid)).includes(data)) continue;
    return { host: socket.trim(), user: userName, database: databaseName };
  }
  return undefined;
}

/** A server whose collector was killed may still be on its way down. */
async function stopOrphan(data: string, logger: Logger): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  for (let waitedMs = 0; existsSync(pidFile); waitedMs += 100) {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    // Numbers are used again: after a crash of the machine it may be anybody's.
    if (!commandOf(pid).includes(data)) return;
    if (waitedMs === 0) logger.info({ pid }, 'stopping the PostgreSQL of a collector that died');
    if (waitedMs >= 15_000) throw new Error(`PostgreSQL (pid ${pid}) does not stop: ${pidFile}`);
    kill(pid, waitedMs < 10_000 ? 'SIGINT' : 'SIGQUIT');
    await sleep(100);
  }
}

function startServer({ data, socket, binaries, user }: Cluster, logger: Logger): ChildProcess {
  const options = { ...settings, unix_socket_directories: socket, unix_socket_permissions: '0700' };
  const server = spawn(
    binaries.postgres,
    ['-D', data, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...user, cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  createInterface({ input: server.stderr as NodeJS.ReadableStream }).on('line', (line) =>
    logger[/\b(PANIC|FATAL)\b/.test(line) ? 'warn' : 'debug']({ postgres: line }, 'postgres'),
  );
  return server;
}

/**
 * Waits for the end of its standard input, which the kernel closes when the collector is gone,
 * and then asks the server for a fast shutdown.
 */
function startWatchdog(server: ChildProcess): ChildProcess {
  const script = 'read -r _; kill -INT "$1" 2>/dev/null; sleep 4; kill -QUIT "$1" 2>/dev/null';
  const watchdog = spawn('sh', ['-c', script, 'gravitas-telemetry-watchdog', String(server.pid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  return watchdog;
}

/** Connects until the server answers, and creates the database when it is new. */
async function untilReady(connection: ConnectionSettings): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 50) {
    const client = new pg.Client({ ...connection, database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      const found = await client.query('select from pg_database where datname = $1', [
        databaseName,
      ]);
      if (found.rowCount === 0) await client.query(`create database ${databaseName}`);
      return;
    } catch (error) {
      // Recovery after a crash can take its time.
      if (waitedMs >= 60_000) throw error;
      await sleep(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/** The command line of a process; empty where there is none. */
function commandOf(pid: number): string {
  try {
    if (existsSync('/proc/self')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone meanwhile.
  }
}
