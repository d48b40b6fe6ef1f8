import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DirectoryLock } from '../../directory-lock.ts';
import { StartError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ConnectionSettings } from '../pool.ts';
import { type Cluster, createCluster, locateCluster, userName } from './cluster.ts';
import {
  findServer,
  type ServerLimits,
  type ServerLine,
  startServer,
  startWatchdog,
  stopOrphan,
} from './process.ts';

const startingUp = 'the database system is starting up';
const databaseName = 'gravitas_telemetry';
const pollMs = 50;
/** As many as the options for writers and queries can ask for, of all processes together. */
const connectionsOfOne = 100;
/** Those that each further process may have beside them. */
const connectionsEach = 15;
const relaunchMs = 500;
/** What is left of a server that was killed can be in the way of the next one for a moment. */
const launchesMax = 10;

export interface EmbeddedOptions {
  readonly directory: string;
  /** How long another collector on the directory, which may be stopping, is waited for. */
  readonly lockWaitMsMax?: number;
  /** That the server and the collector have together. */
  readonly memoryBytes?: number;
  /** That connect to it. */
  readonly processes?: number;
  readonly logger: Logger;
}

/**
 * A PostgreSQL server of our own, in a directory of ours, reached by a Unix socket that only its
 * owner can open. It is a process group of its own, so that Ctrl-C reaches the collector first,
 * and a watchdog stops it when the collector has died. Should it die itself, it is started again.
 */
export class EmbeddedPostgres {
  readonly connection: ConnectionSettings;
  readonly #cluster: Cluster;
  readonly #lock: DirectoryLock;
  readonly #limits: ServerLimits;
  readonly #logger: Logger;
  #server: ChildProcess | undefined;
  #launches = 0;
  #answered = false;
  #stopping = false;
  #progress = 'starting';
  #lastFatal: string | undefined;
  /** Why it does not start, once it is not tried again. */
  #fatal: string | undefined;

  private constructor(cluster: Cluster, lock: DirectoryLock, limits: ServerLimits, logger: Logger) {
    this.connection = { host: cluster.socket, user: userName, database: databaseName };
    this.#cluster = cluster;
    this.#lock = lock;
    this.#limits = limits;
    this.#logger = logger;
  }

  /** Becomes the owner of a directory, without starting anything in it. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const { directory, logger, lockWaitMsMax = 0 } = options;
    const { memoryBytes = totalmem(), processes = 1 } = options;
    const lock = await DirectoryLock.take(directory, lockWaitMsMax, () =>
      logger.info({ directory }, 'waiting for another collector to let go of the database'),
    );
    try {
      const connectionsMax = connectionsOfOne + (processes - 1) * connectionsEach;
      const limits = { memoryBytes, connectionsMax };
      return new EmbeddedPostgres(await locateCluster(directory), lock, limits, logger);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A server in a directory that answers; both are created when they are new. */
  static async start(directory: string, logger: Logger): Promise<EmbeddedPostgres> {
    const embedded = await EmbeddedPostgres.open({ directory, logger });
    try {
      await embedded.run();
      return embedded;
    } catch (error) {
      await embedded.stop();
      throw error;
    }
  }

  /**
   * Starts the server, which is created when it is new. Resolves when it answers, however long its
   * recovery from a crash takes, or when it is stopped; throws a `StartError` where it can't start.
   */
  async run(): Promise<void> {
    await createCluster(this.#cluster, this.#logger);
    await stopOrphan(this.#cluster.data, this.#logger);
    if (!this.#stopping) this.#launch();
    while (!this.#stopping && !(await this.#answers())) {
      if (this.#fatal)
        throw new StartError(`the embedded PostgreSQL does not start: ${this.#fatal}`);
      await sleep(pollMs);
    }
    this.#answered = true;
  }

  /** What it is busy with until it answers for the first time; undefined after that. */
  get progress(): string | undefined {
    return this.#answered ? undefined : `the embedded PostgreSQL: ${this.#progress}`;
  }

  /** Of the server process, which the watchdog and the operator know it by. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** Ends the connections and stops, with a checkpoint; half a second before the deadline without one. */
  async stop(deadlineMs = 8000): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const server = this.#server;
    if (server && server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      server.kill('SIGINT');
      const late = setTimeout(() => server.kill('SIGQUIT'), Math.max(0, deadlineMs - 500));
      // One that does not even take that is left to the watchdog.
      await Promise.race([exited, sleep(deadlineMs, undefined, { ref: false })]);
      clearTimeout(late);
    }
    this.#lock.release();
  }

  #launch(): void {
    this.#launches += 1;
    const server = startServer(this.#cluster, this.#limits, (line) => this.#onLine(line));
    this.#server = server;
    if (server.pid === undefined) {
      // The system has no room for one more: then there is an error, and no exit.
      server.once('error', ({ message }) => this.#onExit(message));
      return;
    }
    const watchdog = startWatchdog(server);
    server.once('exit', (code, signal) => {
      watchdog.kill();
      this.#onExit(code, signal);
    });
  }

  /** `code`: of its exit, or why it was not started; null where a signal has ended it. */
  #onExit(code: number | string | null, signal?: string | null): void {
    if (this.#stopping) return;
    if (!this.#answered && code !== null && this.#launches >= launchesMax) {
      this.#fatal = this.#lastFatal ?? `exit code ${code}`;
      return;
    }
    this.#logger.error({ code, signal }, 'the embedded PostgreSQL has died and is started again');
    setTimeout(() => {
      if (!this.#stopping) this.#launch();
    }, relaunchMs);
  }

  #onLine({ severity, message }: ServerLine): void {
    // Our own question whether it answers, which came too early.
    if (!this.#answered && message === startingUp) return;
    const failed = severity === 'FATAL' || severity === 'PANIC';
    if (failed) this.#lastFatal = message;
    // Until it answers, what it says is how far its recovery is.
    const recovering = !this.#answered && severity === 'LOG';
    // Everybody may read that: where it has its socket and its files is for the log.
    const { data, socket } = this.#cluster;
    const isTold = ![data, socket].some((path) => message.includes(path));
    if (recovering && isTold) this.#progress = message;
    this.#logger[failed ? 'warn' : recovering ? 'info' : 'debug'](
      { severity },
      `postgres: ${message}`,
    );
  }

  /** Whether it answers; creates the database when that is new. */
  async #answers(): Promise<boolean> {
    const client = new pg.Client({ ...this.connection, database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      const found = await client.query('select from pg_database where datname = $1', [
        databaseName,
      ]);
      if (found.rowCount === 0) await client.query(`create database ${databaseName}`);
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/** How to reach the server that another process has started in `directory`, if there is one. */
export function runningServer(directory: string): ConnectionSettings | undefined {
  if (!existsSync(directory)) return undefined;
  for (const name of readdirSync(directory)) {
    const server = findServer(join(directory, name));
    if (server?.socket) return { host: server.socket, user: userName, database: databaseName };
  }
  return undefined;
}
