import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { freePort } from '../../support/free-port.ts';
import { ServerProcess, withClient } from '../server-process.ts';

const database = 'chaos';
const user = 'postgres';
const settings = {
  listen_addresses: "'127.0.0.1'",
  shared_preload_libraries: "'citus'",
  max_connections: 150,
  max_prepared_transactions: 300,
  max_worker_processes: 32,
  wal_level: 'logical',
  timezone: "'UTC'",
  // What a crash of a worker leaves in between two phases is settled as soon as may be.
  'citus.node_conninfo': "'sslmode=disable'",
  'citus.recover_2pc_interval': "'2s'",
};

/** The servers of a Citus cluster, the coordinator first, which are killed and started again. */
export class Nodes {
  #binaries: string;
  readonly #directory: string;
  readonly #ports: readonly number[];
  readonly #servers: ServerProcess[];

  private constructor(binaries: string, directory: string, ports: readonly number[]) {
    this.#binaries = binaries;
    this.#directory = directory;
    this.#ports = ports;
    this.#servers = ports.map((port, index) => this.#server(port, index));
  }

  /**
   * `binaries`: the folder of a PostgreSQL that has the extension; `spare`: servers that the cluster
   * does not know yet.
   */
  static async create(
    binaries: string,
    directory: string,
    workers: number,
    spare = 0,
  ): Promise<Nodes> {
    const ports: number[] = [];
    for (let index = 0; index <= workers + spare; index++) ports.push(await freePort());
    const nodes = new Nodes(binaries, directory, ports);
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o755);
    for (const index of ports.keys()) {
      nodes.#initialize(index);
      await nodes.start(index);
      await nodes.admin(`create database ${database}`, 'postgres', index);
      await nodes.admin('create extension citus', database, index);
    }
    const [first, ...others] = ports;
    await nodes.admin(`select citus_set_coordinator_host('127.0.0.1', ${first})`);
    for (const port of others.slice(0, workers))
      await nodes.admin(`select citus_add_node('127.0.0.1', ${port})`);
    return nodes;
  }

  portOf(index: number): number {
    return this.#ports[index] as number;
  }

  /** As superuser. */
  get adminSettings() {
    return { connectionString: this.url };
  }

  get url(): string {
    return `postgresql://${user}@127.0.0.1:${this.#ports[0]}/${database}`;
  }

  /** Runs one query as superuser, on the coordinator unless another is meant. */
  async admin<Row extends pg.QueryResultRow>(
    query: string,
    name = database,
    index = 0,
  ): Promise<Row[]> {
    const settings = { ...this.#settings(index), database: name };
    return await withClient(settings, async (client) => (await client.query<Row>(query)).rows);
  }

  async start(index: number): Promise<void> {
    await this.#servers[index]?.start();
  }

  async end(index: number, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    await this.#servers[index]?.end(signal);
  }

  /** What starts from now on is started from another folder, of the same version of PostgreSQL. */
  putIn(binaries: string): void {
    this.#binaries = binaries;
  }

  async restart(index: number): Promise<void> {
    await this.end(index, 'SIGINT');
    this.#servers[index] = this.#server(this.portOf(index), index);
    await this.start(index);
  }

  async endAll(): Promise<void> {
    for (const server of this.#servers) await server.end('SIGINT');
  }

  #server(port: number, index: number): ServerProcess {
    const folder = this.#folder(index);
    const args = ['-D', folder, '-p', String(port)];
    // Citus looks for certificates there.
    const options = { ...this.#owner, env: { ...process.env, HOME: folder } };
    const answering = { ...this.#settings(index), database: 'postgres' };
    return new ServerProcess(join(this.#binaries, 'postgres'), args, options, answering);
  }

  #settings = (index: number) => ({ host: '127.0.0.1', user, port: this.portOf(index) });

  #initialize(index: number): void {
    const folder = this.#folder(index);
    mkdirSync(folder);
    const { uid, gid } = this.#owner;
    if (uid !== undefined) chownSync(folder, uid, gid as number);
    execFileSync(
      join(this.#binaries, 'initdb'),
      ['-D', folder, '-U', user, '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      { ...this.#owner, cwd: '/', stdio: 'ignore' },
    );
    const lines = Object.entries({ ...settings, unix_socket_directories: "''" });
    appendFileSync(
      join(folder, 'postgresql.conf'),
      lines.map(([name, value]) => `${name} = ${value}\n`).join(''),
    );
  }

  #folder = (index: number): string => join(this.#directory, `node${index}`);

  /** PostgreSQL refuses to run as root. */
  get #owner(): { uid?: number; gid?: number } {
    if (process.getuid?.() !== 0) return {};
    const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString());
    return { uid: id('-u'), gid: id('-g') };
  }
}
