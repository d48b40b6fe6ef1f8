import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { Keys } from './admin/keys.ts';
import type { Config } from './config.ts';
import { DatabaseService } from './database/database-service.ts';
import { lockWaitMs, makePrivateDirectory } from './directory-lock.ts';
import { createDoor, type Door } from './door.ts';
import { errorMessage, StartError } from './errors.ts';
import { createIngestPath, type IngestPath, type Spools } from './ingest-path.ts';
import { measureService } from './measures.ts';
import { Clock } from './observe/clock.ts';
import { Health, measureHealth } from './observe/health.ts';
import type { Logger } from './observe/logger.ts';
import { holdsCluster } from './postgres/embedded/cluster.ts';
import { LivePrices } from './prices/live-prices.ts';
import { answerFellows } from './processes/answers.ts';
import { alone, type Fellows } from './processes/fellows.ts';
import { createRoutes } from './routes.ts';
import { Refusals } from './serve/refusals.ts';
import type { Route } from './serve/route.ts';
import type { Certificate } from './serve/tls/certificate.ts';
import {
  CertificateFiles,
  measureCertificate,
  openCertificate,
} from './serve/tls/certificate-files.ts';
import { createTell } from './serve/told-error.ts';
import { openSpools } from './spools.ts';
import { Upkeep } from './upkeep.ts';
import { version } from './version.ts';

/** How long the drain may go on with its group when the collector stops. */
const drainStopMsMax = 1000;

/** What is there before it is made. */
interface Given {
  readonly config: Config;
  readonly logger: Logger;
  readonly prices: LivePrices;
  readonly certificate: Certificate | undefined;
  readonly database: DatabaseService;
  readonly spools: Spools;
  readonly fellows: Fellows;
}

/** The whole service: its parts, and the order in which they start and stop. */
export class Collector {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #registry = new Registry();
  readonly #health: Health;
  readonly #clock: Clock;
  readonly #shutdown = new AbortController();
  readonly #database: DatabaseService;
  readonly #path: IngestPath;
  readonly #certificate: CertificateFiles | undefined;
  readonly #door: Door;
  readonly #keys: Keys;
  readonly #upkeep: Upkeep;

  private constructor(given: Given) {
    const { config, logger, prices, certificate, database, spools, fellows } = given;
    this.#config = config;
    this.#logger = logger;
    this.#database = database;
    this.#health = new Health(logger, (own) => fellows.tell(own));
    this.#clock = new Clock(this.#health);
    measureHealth(this.#health, this.#registry);
    const { directories } = spools;
    measureService(config, directories, database.upkeepDb, this.#health, this.#registry, version);
    const [health, registry] = [this.#health, this.#registry];
    const common = { config, database, health, registry, logger };
    this.#path = createIngestPath({ ...common, spools, prices, clock: this.#clock });
    this.#keys = new Keys(config, database.gossip, registry, logger);
    const { ring, refresh: refreshKeys } = this.#keys;
    this.#upkeep = new Upkeep({ ...common, path: this.#path, ring, fellows });
    const status = this.#upkeep.collectors.own;
    answerFellows(fellows, { registry, health, status, refreshKeys });
    this.#certificate =
      certificate && new CertificateFiles(config, certificate, this.#health, logger);
    measureCertificate(this.#certificate, this.#registry);
    this.#door = this.#createDoor(fellows);
  }

  /**
   * Starts the service; resolves when it accepts connections, which may be long before the database
   * answers. Throws a `StartError` before anything is created or started where it can't.
   */
  static async start(config: Config, logger: Logger, fellows = alone): Promise<Collector> {
    const prices = new LivePrices(config.pricesFile, logger);
    const certificate = await openCertificate(config);
    const lockWaitMsMax = lockWaitMs(config);
    makePrivateDirectory(config.dataDirectory);
    const spools = await openSpools(config, fellows.number, lockWaitMsMax, logger);
    let database: DatabaseService | undefined;
    try {
      database = await DatabaseService.open(config, logger, lockWaitMsMax, fellows.connection);
      const given = { config, logger, prices, certificate, database, spools, fellows };
      const collector = new Collector(given);
      await collector.#keys.beforeListening(
        config.databaseUrl !== '',
        config.databaseUrl !== '' || holdsCluster(config.dataDirectory),
      );
      await collector.#listen();
      return collector;
    } catch (error) {
      await database?.close();
      await spools.spool.close();
      throw error;
    }
  }

  /** Where it listens. */
  port = 0;
  /** Everything that can be asked of it. */
  routes: readonly Route[] = [];

  /**
   * Resolves when the database answers and its schema is up to date. Throws a `StartError` where
   * that will never be: then the collector is to be stopped.
   */
  async untilReady(): Promise<void> {
    await this.#database.ready;
    await this.#keys.whenReady();
  }

  /** Reads again what is read all the time anyway: keys, prices and certificates. */
  async reload(): Promise<void> {
    const { prices } = this.#path;
    await Promise.all([this.#keys.reload(), prices.reload(), this.#certificate?.reload()]);
  }

  /**
   * Stops accepting, lets calls under way finish, makes durable what is buffered, and lets go of
   * the database (section 6 of docs/specs/buffer.md): all of it before one deadline, which begins
   * after the time that proxies are given to notice.
   */
  async stop(): Promise<void> {
    const { shutdownMsMax, shutdownDelayMs } = this.#config;
    this.#logger.info('stopping');
    this.#health.expect('shutdown', 'in progress');
    if (shutdownDelayMs > 0) {
      this.#door.server.leave();
      await sleep(shutdownDelayMs);
    }
    const endsAt = performance.now() + shutdownMsMax;
    // The last quarter is the database's.
    const deadline = AbortSignal.timeout(shutdownMsMax * 0.75);
    this.#shutdown.abort();
    await this.#door.server.stop(deadline);
    this.#door.limits.turns.close();
    this.#certificate?.close();
    await Promise.race([this.#path.buffer.close(), untilAborted(deadline)]);
    if (this.#path.buffer.depth > 0) {
      this.#logger.error(
        { batches: this.#path.buffer.depth },
        'stopped with batches that nobody was told are stored',
      );
    }
    // What it is at is in the spool: a database that stalls is not worth a long wait.
    const tired = AbortSignal.any([deadline, AbortSignal.timeout(drainStopMsMax)]);
    const drained = Promise.all([this.#path.drain.stop(), this.#path.left.stop()]);
    await Promise.race([drained, untilAborted(tired)]);
    this.#path.intake.stop();
    this.#path.prices.stop();
    await Promise.race([this.#keys.stop(), untilAborted(tired)]);
    await Promise.race([this.#path.outage.close(), untilAborted(tired)]);
    await this.#path.spool.close();
    this.#tellWhatIsLeft();
    await this.#database.close(endsAt - performance.now());
    this.#logger.info('stopped');
  }

  /** Nobody else comes to it: a collector that is gone for good leaves data behind. */
  #tellWhatIsLeft(): void {
    const { segments } = this.#path.spool;
    const bytes = this.#path.spool.bytes + this.#path.left.bytes;
    if (bytes === 0) return;
    const directory = this.#config.dataDirectory;
    this.#logger.warn(
      { segments, bytes, directory, recordsKnown: this.#path.accounting.pending },
      'the spool still holds data: start a collector on its directory, or run `spool drain` on it',
    );
  }

  async #listen(): Promise<void> {
    const { host } = this.#config;
    try {
      this.port = await this.#door.server.listen();
    } catch (cause) {
      throw new StartError(`TELEMETRY_HOST, TELEMETRY_PORT: ${errorMessage(cause)}`, { cause });
    }
    this.#logger.info({ host, port: this.port }, 'listening');
    this.#database.prepare(this.#health, this.#clock, this.#registry);
    this.#path.drain.start();
    this.#path.drainLeft();
    this.#path.rollupJob.start(this.#database.ready, this.#shutdown.signal);
    this.#upkeep.start(this.#shutdown.signal);
    this.#path.intake.start();
    this.#path.prices.start();
    this.#keys.start();
  }

  #createDoor(fellows: Fellows): Door {
    const [config, keys, logger] = [this.#config, this.#keys, this.#logger];
    const onRefused = new Refusals(this.#registry).count;
    const tell = createTell(logger, onRefused);
    const parts = {
      ...{ config, keys, logger, fellows, database: this.#database },
      path: this.#path,
      collectors: this.#upkeep.collectors,
      health: this.#health,
      registry: this.#registry,
      shutdown: this.#shutdown.signal,
    };
    this.routes = createRoutes(parts, tell, onRefused);
    const [routes, certificate] = [this.routes, this.#certificate];
    return createDoor({ ...parts, routes, callers: keys.ring, certificate, tell, onRefused });
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
