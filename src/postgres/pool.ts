import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '../observe/logger.ts';
import { defaultPort, parseAddress } from './address.ts';
import { Client } from './client.ts';
import type { Settings, TransactionSettings } from './settings.ts';
import { watchSilence } from './silence.ts';
import { Targets } from './targets.ts';

/** A server that is away lets go of nothing. */
const farewellMsMax = 500;

/** How to reach PostgreSQL: a URL, or what an embedded server says of itself. */
export interface ConnectionSettings {
  readonly connectionString?: string;
  readonly host?: string;
  readonly user?: string;
  readonly database?: string;
}

export interface PoolOptions {
  readonly connection: ConnectionSettings;
  readonly applicationName: string;
  readonly connectionsMax: number;
  /** What its transactions may do, 'read write' by default, … */
  readonly access?: TransactionSettings['access'];
  /** … and how long they may take. */
  readonly limits: Settings;
  /** Why nobody may have a connection yet; undefined when somebody may. */
  readonly obstacle?: () => string | undefined;
  /** A connection on which nothing has moved for so long is given up; absent: never. */
  readonly silenceMsMax?: number;
  /** One that owes an answer for so long is asked about, and given up if nobody is at work on it. */
  readonly askAfterMs?: number;
  readonly logger: Logger;
}

/**
 * A pool that connects on demand, waits at most 5 s for a connection, and survives lost ones.
 * Throws a `StartError` where a file that the URL names can't be read.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const { applicationName: name, access = 'read write', limits, connection, logger } = options;
  const { askAfterMs } = options;
  const { targets, login, writable, settings: asked, isOurs } = resolve(connection);
  const config: pg.PoolConfig = {
    ...login,
    max: options.connectionsMax,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => createSocket(options.silenceMsMax),
    types: { getTypeParser },
    ...(writable && { onConnect: refuseStandby }),
  };
  const open = (name: string) =>
    new Client({ ...config, application_name: name }, { access, limits, asked, isOurs }, targets);
  // To be asked about, a connection needs a name of its own.
  const nameOf = () => (askAfterMs ? `${name} ${randomBytes(4).toString('hex')}` : name);
  // Typed as if it made objects of that very class; any function will do.
  config.Client = function openNamed() {
    return open(nameOf());
  } as unknown as new () => Client;
  const pool = new Pool(config, targets, options.obstacle);
  const onLost = (error: Error) => logger.warn({ err: error }, 'lost a database connection');
  pool.on('error', onLost);
  // A connection in use is nobody's but its own: unheard, its error would end the process.
  pool.on('connect', (client) => {
    client.on('error', onLost);
    if (askAfterMs) watchSilence(client as unknown as Client, askAfterMs, () => open(name), logger);
  });
  return pool;
}

function resolve({ connectionString, host = 'localhost', ...login }: ConnectionSettings) {
  if (connectionString === undefined) {
    const targets = new Targets([{ host, port: defaultPort, ssl: false }]);
    return { targets, login, writable: false, settings: {}, isOurs: true };
  }
  const address = parseAddress(connectionString);
  const { user, password, database, directTls, writable, settings } = address;
  return {
    targets: Targets.of(address),
    login: {
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(database !== undefined && { database }),
      ...(directTls && { sslnegotiation: 'direct' as const }),
    },
    writable,
    settings,
    isOurs: false,
  };
}

async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('select pg_is_in_recovery() as standby');
  if (!rows[0].standby) return;
  if (client instanceof Client) client.giveUpTarget(false);
  throw new Error('the server is a standby, which takes no data');
}

type OnLent = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (discard?: boolean | Error) => void,
) => void;

/** A pool that tries one way after the other. */
class Pool extends pg.Pool {
  readonly #targets: Targets;
  readonly #obstacle: () => string | undefined;
  readonly #open = new Set<pg.PoolClient>();

  constructor(
    config: pg.PoolConfig,
    targets: Targets,
    obstacle: () => string | undefined = () => undefined,
  ) {
    super(config);
    this.#targets = targets;
    this.#obstacle = obstacle;
    this.on('connect', (client) => {
      this.#open.add(client);
      client.once('end', () => this.#open.delete(client));
    });
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: OnLent): void;
  override connect(callback?: OnLent): Promise<pg.PoolClient> | undefined {
    const connecting = this.#connectAnywhere();
    if (!callback) return connecting;
    connecting.then(
      (client) => callback(undefined, client, client.release),
      (error) => callback(error, undefined, () => {}),
    );
    return undefined;
  }

  /** Until the server has let go of every connection, if it does: before that it is no time to stop it. */
  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    const ended = super.end().then(async () => {
      const gone = Promise.all([...this.#open].map((client) => once(client, 'end')));
      await Promise.race([gone, sleep(farewellMsMax, undefined, { ref: false })]);
    });
    if (!callback) return ended;
    ended.then(callback, callback);
    return undefined;
  }

  async #connectAnywhere(): Promise<pg.PoolClient> {
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) throw new Error(obstacle);
    const failures: unknown[] = [];
    for (let tries = 1; ; tries++) {
      const target = this.#targets.current;
      try {
        return await super.connect();
      } catch (error) {
        failures.push(error);
        // Where none is given up, it was not the way that failed.
        const elsewhere = this.#targets.current !== target && tries < this.#targets.count;
        if (!elsewhere && tries === 1) throw error;
        if (!elsewhere) throw new AggregateError(failures);
      }
    }
  }
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
