import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Cluster, prepareCluster } from '../../src/postgres/embedded/cluster.ts';
import { silentLogger } from '../support/logger.ts';
import { ServerProcess, withClient } from './server-process.ts';

const database = 'chaos';
/** Not a superuser, so that limits on connections hold for it. */
export const role = 'telemetry';
/** Whom it may act as, and who may do nothing. */
export const idleRole = 'idle';
/** Of a second installation in the same database. */
export const neighbourSchema = 'neighbour';

/** One with the collector's own programs and a database for it. */
export class Postgres extends ServerProcess {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    const { data, socket, binaries, user } = cluster;
    const settings = { listen_addresses: '', unix_socket_directories: socket, timezone: 'UTC' };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const answering = { host: socket, user: 'postgres', database: 'postgres' };
    super(binaries.postgres, ['-D', data, ...args], user ?? {}, answering);
    this.#cluster = cluster;
  }

  /** A new server in `directory`, with an empty database. */
  static async create(directory: string): Promise<Postgres> {
    mkdirSync(directory, { recursive: true });
    const postgres = new Postgres(await prepareCluster(directory, silentLogger));
    await postgres.start();
    await postgres.admin(`create role ${role} login`, 'postgres');
    await postgres.admin(`create role ${idleRole}; grant ${idleRole} to ${role}`, 'postgres');
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

  /** Runs one query as superuser, past all proxies. */
  async admin<Row extends pg.QueryResultRow>(query: string, name = database): Promise<Row[]> {
    return await this.session(async (client) => (await client.query<Row>(query)).rows, name);
  }

  /** Lends a connection of its own. */
  async session<T>(use: (client: pg.Client) => Promise<T>, name = database): Promise<T> {
    return await withClient({ ...this.adminSettings, database: name }, use);
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
    while (!(await this.answers())) await sleep(20);
  }

  /** Process ids of the collector's sessions. */
  async backends(): Promise<number[]> {
    const query = `select pid from pg_stat_activity where usename = '${role}'`;
    return (await this.admin<{ pid: number }>(query, 'postgres')).map(({ pid }) => pid);
  }
}
