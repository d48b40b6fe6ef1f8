import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, prepareCluster } from '../../src/postgres/embedded/cluster.ts';
import { silentLogger } from '../support/logger.ts';

const startMsMax = 60_000;
const endMsMax = 10_000;
const database = 'chaos';
/** Not a superuser, so that limits on connections hold for it. */
export const role = 'telemetry';
/** Of a second installation in the same database. */
export const neighbourSchema = 'neighbour';

/** A PostgreSQL server that is ended in every way, and started again only when it is told to. */
export class Postgres {
  readonly #cluster: Cluster;
  #server: ChildProcess | undefined;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** A new server in `directory`, with an empty database. */
  static async create(directory: string): Promise<Postgres> {
    mkdirSync(directory, { recursive: true });
    const postgres = new Postgres(await prepareCluster(directory, silentLogger));
    process.once('exit', () => postgres.#server?.kill('SIGKILL'));
    await postgres.start();
    await postgres.admin(`create role ${role} login`, 'postgres');
    await postgres.admin(`create database ${database} owner ${role}`, 'postgres');
    await postgres.admin(
      `create schema ${neighbourSchema} authorization ${role};
       create schema chaos;
       create table chaos.kept_events (number float8);
       create table chaos.kept_usage (number float8)`,
    );
    return postgres;
  }

  get socketDirectory(): string {
    return this.#cluster.socket;
  }

  get socketPath(): string {
    return join(this.#cluster.socket, '.s.PGSQL.5432');
  }

  /** As superuser, past all proxies. */
  get adminSettings() {
    return { host: this.#cluster.socket, user: 'postgres', database };
  }

  /** For a collector beside all faults of the network. */
  get url(): string {
    return `postgresql://${role}@localhost/${database}?host=${encodeURIComponent(this.#cluster.socket)}`;
  }

  /** For a collector that reaches the server through a port on this machine. */
  urlBy(port: number): string {
    return `postgresql://${role}@127.0.0.1:${port}/${database}`;
  }

  /** Starts it, and waits for the end of its recovery. */
  async start(): Promise<void> {
    const { data, socket, binaries, user } = this.#cluster;
    const settings = { listen_addresses: '', unix_socket_directories: socket, timezone: 'UTC' };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const deadline = Date.now() + startMsMax;
    while (Date.now() < deadline) {
      const server = spawn(binaries.postgres, ['-D', data, ...args], {
        ...user,
        cwd: '/',
        stdio: 'ignore',
      });
      this.#server = server;
      // It refuses to start while a child of the one that was killed is still there.
      while (server.exitCode === null && server.signalCode === null) {
        if (await this.#answers()) return;
        await sleep(20);
      }
      await sleep(50);
    }
    throw new Error('PostgreSQL does not start');
  }

  /** SIGINT is a fast shutdown, SIGQUIT one without a checkpoint, SIGKILL a crash. */
  async end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const server = this.#server;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    // A shutdown that meets a recovery may hang: the operator's last resort.
    const late = setTimeout(() => server.kill('SIGKILL'), endMsMax);
    await exited;
    clearTimeout(late);
  }

  /** Runs one query as superuser, past all proxies. */
  async admin<Row extends pg.QueryResultRow>(query: string, name = database): Promise<Row[]> {
    return await this.session(async (client) => (await client.query<Row>(query)).rows, name);
  }

  /** Lends a connection of its own. */
  async session<T>(use: (client: pg.Client) => Promise<T>, name = database): Promise<T> {
    const client = this.#client(name);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Changes a property of the database, for connections to come, and ends those there are. */
  async alterDatabase(change: string): Promise<void> {
    await this.admin(`alter database ${database} ${change}`, 'postgres');
    await this.terminateBackends();
  }

  /** Resolves with how many there were. */
  async terminateBackends(): Promise<number> {
    const query = `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`;
    return (await this.admin(query, 'postgres')).length;
  }

  /** Waits for the end of a recovery. */
  async untilAnswering(): Promise<void> {
    while (!(await this.#answers())) await sleep(20);
  }

  /** Process ids of the collector's sessions. */
  async backends(): Promise<number[]> {
    const query = `select pid from pg_stat_activity where usename = '${role}'`;
    return (await this.admin<{ pid: number }>(query, 'postgres')).map(({ pid }) => pid);
  }

  async #answers(): Promise<boolean> {
    const client = this.#client('postgres');
    try {
      await client.connect();
      await client.query('select');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  #client(name: string): pg.Client {
    const client = new pg.Client({ ...this.adminSettings, database: name });
    client.on('error', () => {});
    return client;
  }
}
