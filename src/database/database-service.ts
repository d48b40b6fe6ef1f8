import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { StartError } from '../errors.ts';
import type { Clock } from '../observe/clock.ts';
import type { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { pause } from '../pause.ts';
import { holdsCluster } from '../postgres/embedded/cluster.ts';
import { EmbeddedPostgres, runningServer } from '../postgres/embedded/server.ts';
import type { ConnectionSettings } from '../postgres/pool.ts';
import { runQuery } from '../postgres/run-query.ts';
import { toldByDatabase } from '../postgres/sqlstate.ts';
import { dayMs } from '../units.ts';
import { adoptionChunkRows } from './adoption.ts';
import { AdoptionJob } from './adoption-job.ts';
import { createKysely } from './kysely.ts';
import { Maintenance } from './maintenance.ts';
import { migrateToLatest } from './migrate.ts';
import { Persistence } from './persistence.ts';
import { createPools, type Pools } from './pools.ts';
import type { Database } from './schema.ts';
import { SchemaKeeper } from './schema-keeper.ts';
import { checkServer, databaseObstacle, watchCluster, watchIds } from './watch.ts';

const checkEveryMs = 1000;
const closeMsMax = 4000;

/**
 * PostgreSQL as the collector has it: an embedded server where none is named, a pool of its own
 * for each kind of work, a schema that is kept up to date, and an eye on whether it answers.
 */
export class DatabaseService {
  /** For queries, which never take a writer's connection. */
  readonly reader: Kysely<Database>;
  /** For what collectors tell each other every second or so, which nothing may delay. */
  readonly gossip: Kysely<Database>;
  /** For who follows what is committed. */
  readonly tails: Kysely<Database>;
  readonly #pools: Pools;
  readonly #embedded: EmbeddedPostgres | undefined;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #background: Promise<unknown> = Promise.resolve();
  #mayWrite = (): boolean => true;
  readonly #ready = Promise.withResolvers<void>();

  private constructor(
    config: Config,
    logger: Logger,
    connection: ConnectionSettings,
    embedded?: EmbeddedPostgres,
  ) {
    this.#config = config;
    this.#logger = logger;
    this.#embedded = embedded;
    this.#pools = createPools(config, connection, () => this.#mayWrite(), logger);
    this.reader = createKysely(this.#pools.readers);
    this.gossip = createKysely(this.#pools.gossip);
    this.tails = createKysely(this.#pools.tails);
    this.#ready.promise.catch(() => {});
  }

  /**
   * Gets hold of the named server, or of the directory of the embedded one. Nothing is started,
   * created or connected to before `prepare` or `run`. `lockWaitMsMax`: how long another collector
   * on the directory is waited for; `lent`: the embedded server is somebody else's.
   */
  static async open(
    config: Config,
    logger: Logger,
    lockWaitMsMax?: number,
    lent?: ConnectionSettings,
  ): Promise<DatabaseService> {
    if (config.databaseUrl !== '') return DatabaseService.#named(config, logger);
    if (lent) return new DatabaseService(config, logger, lent);
    const directory = config.dataDirectory;
    const embedded = await EmbeddedPostgres.open({
      directory,
      memoryBytes: config.memoryBytesMax,
      logger,
      ...(lockWaitMsMax !== undefined && { lockWaitMsMax }),
    });
    return new DatabaseService(config, logger, embedded.connection, embedded);
  }

  /**
   * The same for a command, beside a collector that is running or without one: the embedded server
   * answers. Throws where there is none, unless `create` says otherwise.
   */
  static async join(config: Config, logger: Logger, create: boolean): Promise<DatabaseService> {
    const { databaseUrl, dataDirectory } = config;
    const running = databaseUrl === '' ? runningServer(dataDirectory) : undefined;
    if (running) return new DatabaseService(config, logger, running);
    if (databaseUrl === '' && !create && !holdsCluster(dataDirectory)) {
      throw new StartError(
        `there is no database in ${dataDirectory} yet: start the collector first, or name its TELEMETRY_DATA_DIR or a DATABASE_URL`,
      );
    }
    const database = await DatabaseService.open(config, logger);
    try {
      await database.#embedded?.run();
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  static #named(config: Config, logger: Logger): DatabaseService {
    return new DatabaseService(config, logger, { connectionString: config.databaseUrl });
  }

  /** Brings the schema up to date, now or as soon as the database lets it, and keeps it so. */
  prepare(health: Health, clock: Clock, registry: Registry): void {
    // Not in the way either: as long as the tables are not there, batches are spooled.
    health.expect('schema', 'not up to date yet', false);
    let prepared = false;
    // Tables that have been looked at once may be written to ever after.
    this.#mayWrite = () => {
      prepared ||= health.isWell('schema');
      return prepared;
    };
    const preparing = async () => {
      await this.#embedded?.run();
      await this.#upkeepSchema(health, registry);
    };
    const watchingIds = this.#ready.promise.then(
      () => watchIds(this.#pools.upkeep, clock, this.#stop.signal),
      () => {},
    );
    this.#background = Promise.all([
      this.#watch(health, clock),
      watchingIds,
      ...(this.#embedded ? [] : [watchCluster(this.#pools.upkeep, health, this.#stop.signal)]),
      preparing().catch(this.#ready.reject),
    ]);
  }

  /** Resolves when it can be written to; rejected with the `StartError` that keeps it from that. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Throws where the server can't be used; gives warnings of settings that endanger data. */
  async checkServer(): Promise<string[]> {
    return await checkServer(this.#pools.upkeep);
  }

  /** Brings the schema up to date once; throws what is in the way. */
  async migrate(): Promise<void> {
    for (const warning of await this.checkServer()) this.#logger.warn(warning);
    await migrateToLatest(this.#pools.upkeep, this.#logger);
    await this.#createMaintenance(new Registry()).run();
  }

  /** For commits. */
  get writers(): pg.Pool {
    return this.#pools.writers;
  }

  /** For rollups. */
  get rollups(): pg.Pool {
    return this.#pools.rollups;
  }

  /** One query of an operator. */
  async query(text: string): Promise<pg.QueryResult> {
    return await runQuery(this.#pools.upkeep, text);
  }

  /** For retention, and for what is asked for on the command line. */
  get upkeep(): pg.Pool {
    return this.#pools.upkeep;
  }

  /** The same. */
  get upkeepDb(): Kysely<Database> {
    return createKysely(this.#pools.upkeep);
  }

  /** Lets go of everything within so long; of the embedded server's time, connections get half. */
  async close(msMax = closeMsMax): Promise<void> {
    const endsAt = performance.now() + msMax;
    this.#stop.abort();
    // A server that does not answer must not keep us, nor another collector at the schema.
    const late = sleep(msMax / 2, undefined, { ref: false });
    await Promise.race([this.#background, late]);
    // A pool waits for connections in use.
    const ended = Promise.all(Object.values(this.#pools).map((pool) => pool.end()));
    await Promise.race([ended, late]);
    await this.#embedded?.stop(endsAt - performance.now());
  }

  async #watch(health: Health, clock: Clock): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // Not in the way: while the database is away, batches are spooled.
      const progress = this.#embedded?.progress;
      const error = progress ? undefined : await databaseObstacle(this.#pools.upkeep, clock);
      health.report('database', error ? toldByDatabase(error) : progress, false, error);
      await pause(checkEveryMs, this.#stop.signal);
    }
  }

  async #upkeepSchema(health: Health, registry: Registry): Promise<void> {
    const pool = this.#pools.upkeep;
    const logger = this.#logger;
    const { signal } = this.#stop;
    const persistence = new Persistence(health, logger, signal);
    const maintenance = this.#createMaintenance(registry);
    const keeper = new SchemaKeeper(pool, maintenance, persistence, health, logger, registry);
    const options = { timeZone: this.#config.legacyTimeZone, chunkRows: adoptionChunkRows };
    const adoption = new AdoptionJob(pool, options, persistence, health, logger, registry);
    await keeper.prepare();
    if (!signal.aborted) this.#ready.resolve();
    await Promise.all([keeper.watch(), adoption.run(signal)]);
  }

  #createMaintenance(registry: Registry): Maintenance {
    const { eventAgeDaysMax, partitionDaysAhead } = this.#config;
    const options = { eventAgeMsMax: eventAgeDaysMax * dayMs, partitionDaysAhead };
    return new Maintenance(this.upkeepDb, this.#pools.upkeep, options, this.#logger, registry);
  }
}
