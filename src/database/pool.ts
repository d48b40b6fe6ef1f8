import net from 'node:net';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Logger } from '../observe/logger.ts';
import type { Database } from './schema.ts';

/** How to reach PostgreSQL: a URL, or what an embedded server says of itself. */
export type ConnectionSettings = Readonly<
  Pick<pg.ClientConfig, 'connectionString' | 'host' | 'user' | 'database'>
>;

export interface PoolOptions {
  readonly connection: ConnectionSettings;
  readonly applicationName: string;
  readonly connectionsMax: number;
  /** Session settings that every connection begins with. */
  readonly session: Readonly<Record<string, string | number>>;
  /** A connection on which nothing has moved for so long is given up; absent: never. */
  readonly silenceMsMax?: number;
  readonly logger: Logger;
}

/**
 * Settings for connections that write. Durability is not left to the server's defaults; a peer
 * that has died must not keep its claims on batch ids.
 */
export const writerSession = {
  synchronous_commit: 'on',
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
  idle_in_transaction_session_timeout: 10_000,
  lock_timeout: 25_000,
  statement_timeout: 30_000,
} as const;

/** A pool that connects on demand, waits at most 5 s for a connection, and survives lost ones. */
export function createPool(options: PoolOptions): pg.Pool {
  const session = Object.entries(options.session)
    .map(([name, value]) => `set ${name} = '${value}'`)
    .join('; ');
  const pool = new pg.Pool({
    ...options.connection,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    stream: () => createSocket(options.silenceMsMax),
    types: { getTypeParser },
    // Not as start-up parameters, which connection poolers refuse.
    onConnect: async (client) => {
      await client.query(session);
    },
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
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}
