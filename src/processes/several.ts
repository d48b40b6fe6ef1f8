import type { Config } from '../config.ts';
import { DirectoryLock, lockWaitMs, makePrivateDirectory } from '../directory-lock.ts';
import type { Logger } from '../observe/logger.ts';
import { EmbeddedPostgres } from '../postgres/embedded/server.ts';
import { Supervisor } from './supervisor.ts';

/** Of the time that stopping may take, how much processes have before they are killed. */
const processesShare = 0.95;
const processesShareEmbedded = 0.8;

/** A collector of several processes: who starts and stops them, and what only one of them may own. */
export class Several {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #supervisor: Supervisor;
  readonly #owned: EmbeddedPostgres | DirectoryLock;
  port = 0;

  private constructor(config: Config, logger: Logger, owned: EmbeddedPostgres | DirectoryLock) {
    this.#config = config;
    this.#logger = logger;
    this.#owned = owned;
    const connection = owned instanceof EmbeddedPostgres ? owned.connection : undefined;
    const { processes } = config;
    this.#supervisor = new Supervisor({ processes, logger, ...(connection && { connection }) });
  }

  /** Starts them. Throws a `StartError` before anything is created or started where it can't. */
  static async start(config: Config, logger: Logger): Promise<Several> {
    makePrivateDirectory(config.dataDirectory);
    const owned = await own(config, logger);
    const several = new Several(config, logger, owned);
    several.#supervisor.start();
    if (owned instanceof EmbeddedPostgres) {
      owned.run().catch((error) => several.#supervisor.fail(error));
    }
    return several;
  }

  /** Resolves when all processes are ready; throws a `StartError` where one of them will never be. */
  async untilReady(): Promise<void> {
    this.port = await this.#supervisor.ready;
  }

  /** Has all processes read again what is read all the time anyway. */
  async reload(): Promise<void> {
    await this.#supervisor.ask('reload');
  }

  /** Within the time that stopping may take, the embedded PostgreSQL included. */
  async stop(): Promise<void> {
    const { shutdownMsMax, shutdownDelayMs } = this.#config;
    const isEmbedded = this.#owned instanceof EmbeddedPostgres;
    const share = isEmbedded ? processesShareEmbedded : processesShare;
    const endsAt = performance.now() + shutdownDelayMs + shutdownMsMax;
    await this.#supervisor.stop(shutdownDelayMs + shutdownMsMax * share);
    if (this.#owned instanceof EmbeddedPostgres) await this.#owned.stop(endsAt - performance.now());
    else this.#owned.release();
    this.#logger.info('all processes are stopped');
  }
}

/** The directory, and with it the server that is in it where no other is named. */
async function own(config: Config, logger: Logger): Promise<EmbeddedPostgres | DirectoryLock> {
  const { dataDirectory: directory, memoryBytesMax: memoryBytes, processes } = config;
  const lockWaitMsMax = lockWaitMs(config);
  if (config.databaseUrl === '') {
    return await EmbeddedPostgres.open({
      directory,
      memoryBytes,
      processes,
      lockWaitMsMax,
      logger,
    });
  }
  return await DirectoryLock.take(directory, lockWaitMsMax, () =>
    logger.info({ directory }, 'waiting for another collector to let go of the directory'),
  );
}
