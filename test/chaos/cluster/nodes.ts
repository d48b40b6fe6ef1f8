import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../support/free-port.ts';

const database = 'chaos';
const user = 'postgres';
const startMsMax = 60_000;
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
  readonly #binaries: string;
  readonly #directory: string;
  readonly #ports: readonly number[];
  readonly #servers: (ChildProcess | undefined)[] = [];

  private constructor(binaries: string, directory: string, ports: readonly number[]) {
    this.#binaries = binaries;
    this.#directory = directory;
    this.#ports = ports;
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
    process.once('exit', () => {
      for (const server of nodes.#servers) server?.kill('SIGKILL');
    });
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
    const client = new pg.Client({
      host: '127.0.0.1',
      user,
      port: this.#ports[index] as number,
      database: name,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(query)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Starts a server, and waits for the end of its recovery. */
  async start(index: number): Promise<void> {
    const deadline = Date.now() + startMsMax;
    while (Date.now() < deadline) {
      const args = ['-D', this.#folder(index), '-p', String(this.#ports[index])];
      const server = spawn(join(this.#binaries, 'postgres'), args, {
        ...this.#owner,
        cwd: '/',
        // Citus looks for certificates there.
        env: { ...process.env, HOME: this.#folder(index) },
        stdio: 'ignore',
      });
      this.#servers[index] = server;
      while (server.exitCode === null && server.signalCode === null) {
        if (await this.#answers(index)) return;
        await sleep(20);
      }
      // A child of the one that was killed is still there.
      await sleep(50);
    }
    throw new Error(`the server ${index} does not start`);
  }

  async end(index: number, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const server = this.#servers[index];
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  }

  async endAll(): Promise<void> {
    for (const index of this.#ports.keys()) await this.end(index, 'SIGINT');
  }

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

  async #answers(index: number): Promise<boolean> {
    return await this.admin('select', 'postgres', index).then(
      () => true,
      () => false,
    );
  }
}
