import net from 'node:net';
import { Kysely } from 'kysely';
import pg from 'pg';
import type { Logger } from '../observe/logger.ts';
import { Client } from './client.ts';
import { SettledDialect } from './dialect.ts';
import type { Database } from './schema.ts';
import type { Settings, TransactionSettings } from './settings.ts';

/** How to reach PostgreSQL: a URL, or what an embedded server says of itself. */
export interface ConnectionSettings
  extends Readonly<Pick<pg.ClientConfig, 'connectionString' | 'host' | 'user' | 'database'>> {
  /** What the address asks to be set in every transaction. */
  readonly settings?: Settings;
}

export interface PoolOptions {
  readonly connection: ConnectionSettings;
  readonly applicationName: string;
  readonly connectionsMax: number;
  /** What its transactions may do, 'read write' by default, … */
  readonly access?: TransactionSettings['access'];
  /** … and how long they may take. */
  readonly limits: Settings;
  /** A connection on which nothing has moved for so long is given up; absent: never. */
  readonly silenceMsMax?: number;
  readonly logger: Logger;
}

/** A pool that connects on demand, waits at most 5 s for a connection, and survives lost ones. */
export function createPool(options: PoolOptions): pg.Pool {
  const { access = 'read write', limits, connection } = options;
  const { settings: asked = {}, ...address } = connection;
  const pool = new pg.Pool({
    ...address,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => createSocket(options.silenceMsMax),
    types: { getTypeParser },
    // Typed as if it were called without arguments.
    Client: class extends Client {
      constructor(config: pg.ClientConfig) {
        super(config, { access, limits, asked });
      }
    } as unknown as new () => Client,
  });
  const onLost = (error: Error) =>
    options.logger.warn({ err: error }, 'lost a database connection');
  pool.on('error', onLost);
  // A connection in use is nobody's but its own: unheard, its error would end the process.
  pool.on('connect', (client) => client.on('error', onLost));
  return pool;
}

/**
 * A server that vanishes without a word, behind a router that has forgotten the connection, say,
 * would be waited for until the kernel gives up, which takes hours.
 */
function createSocket(silenceMsMax?: number): net.Socket {
  const socket = new net.Socket();
  if (silenceMsMax === undefined) return socket;
  return socket.setTimeout(silenceMsMax, () =>
    socket.destroy(new Error(`the database has been silent for ${silenceMsMax} ms`)),
  );
}

/** Counts and sums come as bigint, which numbers hold exactly up to 2^53. */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === pg.types.builtins.INT8
    ? Number
    : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;

export function createKysely(pool: pg.Pool): Kysely<Database> {
  const connect = async () => {
    const client = await pool.connect();
    return { client, release: (discard?: boolean) => client.release(discard) };
  };
  return new Kysely({ dialect: new SettledDialect({ connect, end: () => pool.end() }) });
}

/** On one connection, which stays lent to whoever calls this. */
export function createKyselyOn(client: pg.PoolClient): Kysely<Database> {
  const connect = async () => ({ client, release: () => {} });
  return new Kysely({ dialect: new SettledDialect({ connect, end: async () => {} }) });
}
