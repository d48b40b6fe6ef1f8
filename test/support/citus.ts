import pg from 'pg';

/** A database on every node of the cluster that CITUS_URL names the coordinator of. */
export class CitusDatabases {
  readonly #coordinator: URL;
  #workers: readonly URL[] = [];

  private constructor(url: string) {
    this.#coordinator = new URL(url);
  }

  /** `url`: of any database of the coordinator that has the extension and knows the workers. */
  static async open(url: string): Promise<CitusDatabases> {
    const databases = new CitusDatabases(url);
    const nodes = await run<{ host: string; port: number }>(
      databases.#coordinator,
      'select nodename as host, nodeport as port from pg_dist_node where groupid > 0 order by 1, 2',
    );
    databases.#workers = nodes.map(({ host, port }) => {
      const worker = new URL(url);
      worker.hostname = host;
      worker.port = String(port);
      return worker;
    });
    return databases;
  }

  urlOf(name: string): string {
    return named(this.#coordinator, name).href;
  }

  /** An empty database of a cluster. */
  async create(name: string): Promise<void> {
    await this.#onAll(async (node) => {
      await run(named(node, 'postgres'), `create database ${name}`);
      await run(named(node, name), 'create extension citus');
    });
    const coordinator = named(this.#coordinator, name);
    const port = Number(coordinator.port);
    await run(coordinator, `select citus_set_coordinator_host('${coordinator.hostname}', ${port})`);
    for (const { hostname, port } of this.#workers) {
      await run(coordinator, `select citus_add_node('${hostname}', ${port})`);
    }
  }

  /** One without the extension, on the coordinator alone. */
  async createPlain(name: string): Promise<void> {
    await run(named(this.#coordinator, 'postgres'), `create database ${name}`);
  }

  /** Nobody connects to it any more, not even Citus: what is in it may be copied. */
  async close(name: string): Promise<void> {
    await this.#onAll(async (node) => {
      const admin = named(node, 'postgres');
      // Of one that is gone, too, nothing is left to do.
      await run(admin, `update pg_database set datallowconn = false where datname = '${name}'`);
      await run(
        admin,
        `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '${name}'`,
      );
    });
  }

  /** A copy of a closed one: its shards have the same names on the same nodes. */
  async copy(template: string, name: string): Promise<void> {
    await this.#onAll(async (node) => {
      const admin = named(node, 'postgres');
      await run(admin, `create database ${name} template ${template}`);
      // By which tests have PostgreSQL refuse a row, in a way that nothing else brings about.
      await run(admin, `alter database ${name} set citus.enable_unsafe_triggers = on`);
    });
  }

  /** Closed before on all nodes: one connects to another, or to itself, at any moment. */
  async drop(name: string): Promise<void> {
    await this.close(name);
    await this.#onAll((node) =>
      run(named(node, 'postgres'), `drop database if exists ${name} with (force)`),
    );
  }

  async #onAll(work: (node: URL) => Promise<unknown>): Promise<void> {
    await Promise.all([this.#coordinator, ...this.#workers].map(work));
  }
}

function named(node: URL, database: string): URL {
  const url = new URL(node);
  url.pathname = `/${database}`;
  return url;
}

async function run<Row>(url: URL, query: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query(query)).rows;
  } finally {
    await client.end();
  }
}
