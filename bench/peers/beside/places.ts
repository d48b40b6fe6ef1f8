import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedPostgres } from '../../../src/postgres/embedded/server.ts';
import { databaseUrl } from '../../../test/support/database.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { silentLogger } from '../../../test/support/logger.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Place } from './peer.ts';
import { Sink } from './sink.ts';

/** One PostgreSQL for all, and in it a database for each start of a peer. */
export class Places {
  readonly #directory: ReturnType<typeof temporaryDirectory>;
  readonly #postgres: EmbeddedPostgres;
  readonly #admin: pg.Pool;
  readonly sink: Sink;
  #made = 0;

  private constructor(
    directory: ReturnType<typeof temporaryDirectory>,
    postgres: EmbeddedPostgres,
    admin: pg.Pool,
    sink: Sink,
  ) {
    this.#directory = directory;
    this.#postgres = postgres;
    this.#admin = admin;
    this.sink = sink;
  }

  static async open(): Promise<Places> {
    const directory = temporaryDirectory();
    const postgres = await EmbeddedPostgres.start(join(directory.path, 'postgres'), silentLogger);
    const admin = new pg.Pool({ ...postgres.connection, max: 2 });
    return new Places(directory, postgres, admin, await Sink.open());
  }

  /** Of the postmaster. */
  get pid(): number {
    return this.#postgres.pid as number;
  }

  /** Lends a place, which is gone afterwards. */
  async with<T>(work: (place: Place) => Promise<T>): Promise<T> {
    const database = `peer_${++this.#made}`;
    const directory = join(this.#directory.path, database);
    mkdirSync(directory, { mode: 0o711 });
    await this.#admin.query(`create database ${database}`);
    this.sink.empty();
    const { host, user } = this.#postgres.connection as Place['connection'];
    const connection = { host, user, database };
    try {
      return await work({
        ...{ connection, directory, sink: this.sink, port: await freePort() },
        url: databaseUrl(host, database),
        numbers: (statement) => numbersOf(connection, statement),
        count: async (table) =>
          (await numbersOf(connection, `select count(*)::int as number from ${table}`))[0] ?? 0,
      });
    } finally {
      await this.#admin.query(`drop database if exists ${database} with (force)`);
      await this.#admin.query('checkpoint');
    }
  }

  async close(): Promise<void> {
    this.sink.close();
    await this.#admin.end();
    await this.#postgres.stop();
    this.#directory.remove();
  }
}

/** None as long as there is no table. */
async function numbersOf(connection: Place['connection'], statement: string): Promise<number[]> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ number: number }>(statement);
    return rows.map(({ number }) => number);
  } catch (error) {
    if ((error as { code?: string }).code === '42P01') return [];
    throw error;
  } finally {
    await client.end();
  }
}
