import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import { mebibyte } from '../../units.ts';
import type { Cluster } from './cluster.ts';

const orphanMsMax = 15_000;
const orphanPatienceMs = 10_000;

/** Decided for a small service that shares its machine; durability is never traded. */
const settings = {
  listen_addresses: '',
  max_wal_size: '2GB',
  wal_compression: 'on',
  // Days are dropped before it would serve anybody (decision 44).
  autovacuum_vacuum_insert_threshold: '-1',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A recovery is waited for: whoever asks is told how far it is.
  log_startup_progress_interval: '2s',
};

/** PostgreSQL's own defaults, and less where memory is short. */
function memorySettings(memoryBytes: number): Readonly<Record<string, string>> {
  const share = (part: number, mebibytesMax: number) =>
    `${Math.max(1, Math.min(mebibytesMax, Math.floor((memoryBytes * part) / mebibyte)))}MB`;
  return {
    shared_buffers: share(1 / 8, 128),
    maintenance_work_mem: share(1 / 16, 64),
    work_mem: share(1 / 256, 4),
    ...(memoryBytes < 512 * mebibyte && {
      autovacuum_max_workers: '1',
      max_parallel_workers: '0',
      io_method: 'sync',
    }),
  };
}

/** A line that the server logs. */
export interface ServerLine {
  readonly severity: string;
  readonly message: string;
}

export interface ServerLimits {
  readonly memoryBytes: number;
  readonly connectionsMax: number;
}

/** Starts a server; `onLine` hears what it logs. */
export function startServer(
  { data, socket, binaries, user }: Cluster,
  { memoryBytes, connectionsMax }: ServerLimits,
  onLine: (line: ServerLine) => void,
): ChildProcess {
  const options = {
    ...settings,
    max_connections: connectionsMax,
    ...memorySettings(memoryBytes),
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
  };
  const server = spawn(
    binaries.postgres,
    ['-D', data, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...user, cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  // It has none where the system has not started it.
  if (server.stderr) {
    createInterface({ input: server.stderr }).on('line', (line) => {
      // The time and the process come first.
      const [, severity = 'LOG', message = line] = /\b([A-Z]+): +(.*)$/.exec(line) ?? [];
      onLine({ severity, message });
    });
  }
  return server;
}

/**
 * Waits for the end of its standard input, which the kernel closes when the collector is gone,
 * and then asks the server for a fast shutdown.
 */
export function startWatchdog(server: ChildProcess): ChildProcess {
  const script = 'read -r _; kill -INT "$1" 2>/dev/null; sleep 4; kill -QUIT "$1" 2>/dev/null';
  const watchdog = spawn('sh', ['-c', script, 'gravitas-telemetry-watchdog', String(server.pid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without one, the next start makes way for itself.
  watchdog.on('error', () => {});
  watchdog.unref();
  return watchdog;
}

/** What a running server has noted of itself. */
export interface RunningServer {
  readonly pid: number;
  readonly socket: string;
}

/** The server that runs on a database directory, if there is one. */
export function findServer(data: string): RunningServer | undefined {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return undefined;
  // Its lines: https://www.postgresql.org/docs/current/storage-file-layout.html
  const [first, , , , socket = ''] = readFileSync(pidFile, 'utf8').split('\n');
  const pid = Number(first);
  // Numbers are used again: after a crash of the machine it may be anybody's.
  return commandOf(pid).includes(`/postgres -D ${data} `)
    ? { pid, socket: socket.trim() }
    : undefined;
}

/** Makes way for a new server: one whose collector was killed may still be on its way down. */
export async function stopOrphan(data: string, logger: Logger): Promise<void> {
  let orphan = findServer(data);
  for (let waitedMs = 0; orphan; waitedMs += 100) {
    const { pid } = orphan;
    if (waitedMs === 0) logger.info({ pid }, 'stopping the PostgreSQL of a collector that died');
    if (waitedMs >= orphanMsMax) {
      throw new StartError(`the PostgreSQL of a collector that died (pid ${pid}) does not stop`);
    }
    kill(pid, waitedMs < orphanPatienceMs ? 'SIGINT' : 'SIGQUIT');
    await sleep(100);
    orphan = findServer(data);
  }
  disownPidFile(data);
}

/**
 * What is left of a server may name a process that is somebody else's now, and PostgreSQL would
 * not start beside it. The number of the process that starts it, it knows for stale; it goes on
 * to look at the shared memory noted further down, which deleting the file would keep it from.
 */
function disownPidFile(data: string): void {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  writeFileSync(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
}

/** The command line of a process; empty where there is none. */
function commandOf(pid: number): string {
  try {
    if (!existsSync('/proc/self')) {
      return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    }
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
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
