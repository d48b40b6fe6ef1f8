import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { runningServer } from '../../src/postgres/embedded/server.ts';
import { databaseUrl } from '../../test/support/database.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';

const settingNames = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'autovacuum',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'wal_compression',
];

/** Grow with every row, wherever they exist. */
const growing = ['system_telemetry', 'usage_stats', 'batch_ledger', 'call_claims'];

/** The embedded server of a collector, with the settings that it ships. */
export class BenchPostgres {
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly url: string;
  /** Of the postmasters: of a cluster there are several. */
  readonly pids: readonly number[];
  /** All columns of the table of events, for COPY. */
  readonly #columns: string;
  readonly #directory = temporaryDirectory();
  readonly #pool: pg.Pool;

  private constructor(
    connection: BenchPostgres['connection'],
    pool: pg.Pool,
    { pids, columns }: { readonly pids: readonly number[]; readonly columns: string },
    url = databaseUrl(connection.host, connection.database),
  ) {
    this.connection = connection;
    this.url = url;
    this.pids = pids;
    this.#columns = columns;
    this.#pool = pool;
  }

  /** The server of the collector that has its data there. */
  static async open(dataDirectory: string): Promise<BenchPostgres> {
    const connection = runningServer(dataDirectory) as BenchPostgres['connection'];
    const pool = new pg.Pool({ ...connection, max: 8 });
    // A run that is ended early cuts them.
    pool.on('error', () => {});
    const { rows } = await pool.query(`
      select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid,
        (select string_agg(format('%I', attname), ', ' order by attnum) from pg_attribute
          where attrelid = 'system_telemetry'::regclass and attnum > 0 and not attisdropped)
          as columns`);
    const [{ pid, columns }] = rows;
    return new BenchPostgres(connection, pool, { pids: [pid], columns });
  }

  /** A database of somebody's servers, of whose postmasters the first answers. */
  static async at(url: string, pids: readonly number[]): Promise<BenchPostgres> {
    const pool = new pg.Pool({ connectionString: url, max: 8 });
    pool.on('error', () => {});
    const { hostname, username, pathname } = new URL(url);
    const connection = { host: hostname, user: username, database: pathname.slice(1) };
    return new BenchPostgres(connection, pool, { pids, columns: '' }, url);
  }

  /**
   * Keeps what is stored from being rolled up until what it resolves with is called: whoever rolls
   * up asks for one row first, and passes by while another has it. A commit of before there were
   * rollups has none.
   */
  async holdRollups(): Promise<() => Promise<void>> {
    const client = await this.#pool.connect();
    const { rows } = await client.query(`select to_regclass('rollup_state') as state`);
    if (rows[0].state !== null) {
      await client.query('begin; select from rollup_state for update');
    }
    return async () => {
      await client.query('rollback');
      client.release();
    };
  }

  /** Empties the tables that have rows, and writes everything out: the same start for everybody. */
  async reset(): Promise<void> {
    const { rows } = await this.#pool.query<{ name: string }>(
      `select format('%I', relname) as name
      from unnest($1::text[]) as growing, pg_partition_tree(to_regclass(growing))
        join pg_class on oid = relid
      where isleaf and pg_relation_size(oid) > 0`,
      [growing],
    );
    if (rows.length > 0) {
      await this.#pool.query(`truncate ${rows.map(({ name }) => name).join(', ')}`);
    }
    await this.#pool.query('checkpoint');
  }

  async execute(statement: string): Promise<void> {
    await this.#pool.query(statement);
  }

  async count(table = 'system_telemetry'): Promise<number> {
    const { rows } = await this.#pool.query(`select count(*)::int as rows from ${table}`);
    return rows[0].rows;
  }

  /**
   * Resolves when so many rows are there; rejected when that takes too long, or there are more. Of
   * posts that were refused without an id nobody can know: those may be there or not.
   */
  async untilRows(
    expected: number,
    { secondsMax = 30, unsure = 0, table = 'system_telemetry' } = {},
  ): Promise<void> {
    const endMs = performance.now() + secondsMax * 1000;
    let rows = await this.count(table);
    while (rows < expected && performance.now() < endMs) {
      await sleep(20);
      rows = await this.count(table);
    }
    if (rows >= expected && rows <= expected + unsure) return;
    throw new Error(`${rows} rows were stored, not ${expected}`);
  }

  /** Writes the rows there are into so many files of about equal length, in the order stored. */
  async copyOut(files: number): Promise<string[]> {
    const directory = join(this.#directory.path, 'copy');
    mkdirSync(directory, { recursive: true });
    const { uid, gid } = statSync(this.connection.host);
    chownSync(directory, uid, gid);
    const share = Math.ceil((await this.count()) / files);
    const client = await this.#pool.connect();
    // Otherwise a scan begins where another one is.
    await client.query('set synchronize_seqscans = off; set max_parallel_workers_per_gather = 0');
    const paths: string[] = [];
    for (let file = 0; file < files; file++) {
      const path = join(directory, `${files}-${file}.copy`);
      await client.query(`
        copy (select ${this.#columns} from system_telemetry offset ${file * share} limit ${share})
        to '${path}' (format binary)`);
      paths.push(path);
    }
    client.release(true);
    return paths;
  }

  /** Loads files into the table, all at the same time, each by a backend of its own. */
  async copyIn(paths: readonly string[]): Promise<void> {
    await Promise.all(
      paths.map((path) =>
        this.#pool.query(`copy system_telemetry (${this.#columns}) from '${path}' (format binary)`),
      ),
    );
  }

  /** What autovacuum would do in a while. */
  async analyze(): Promise<void> {
    await this.execute('analyze system_telemetry');
  }

  async settings(): Promise<Record<string, string>> {
    const { rows } = await this.#pool.query(
      'select name, current_setting(name) as value from pg_settings where name = any($1)',
      [settingNames],
    );
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  /** Columns and indexes of the table of events, as PostgreSQL has them. */
  async schema(): Promise<{ columns: string[]; indexes: string[]; partitions: number }> {
    const { rows } = await this.#pool.query(`
      select
        (select array_agg(format('%s %s', attname, format_type(atttypid, atttypmod)) order by attnum)
          from pg_attribute
          where attrelid = 'system_telemetry'::regclass and attnum > 0 and not attisdropped) as columns,
        (select array_agg(indexdef order by indexname)
          from pg_indexes where tablename = 'system_telemetry') as indexes,
        (select count(*)::int from pg_partition_tree('system_telemetry') where isleaf) as partitions`);
    return rows[0];
  }

  async close(): Promise<void> {
    await this.#pool.end();
    this.#directory.remove();
  }
}
