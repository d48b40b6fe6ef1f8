import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { DeadLetterService } from '../gen/typescript/gravitas/telemetry/v1/dead_letter_pb.js';
import { IngestService } from '../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { QueryService } from '../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { errorInterceptor } from './accept/connect-errors.ts';
import { httpRoutes, sendJson } from './accept/http-routes.ts';
import { Ingest } from './accept/ingest.ts';
import { ingestRoutes } from './accept/ingest-handlers.ts';
import { SocketServer } from './accept/socket-server.ts';
import { deadLetterRoutes } from './admin/dead-letter-handlers.ts';
import { DeadLetters } from './admin/dead-letters.ts';
import type { CommitGroup } from './buffer/batch.ts';
import { Drain } from './buffer/drain.ts';
import { CommitOrSpool } from './buffer/fallback.ts';
import { IngestBuffer } from './buffer/ingest-buffer.ts';
import { Spool } from './buffer/spool/spool.ts';
import { GroupCommitter } from './commit/group-committer.ts';
import { Writer } from './commit/writer.ts';
import type { Config } from './config.ts';
import { DatabaseService } from './database/database-service.ts';
import { batchIdAgeMsMax, batchIdAheadMsMax } from './database/maintenance.ts';
import { Accounting } from './observe/accounting.ts';
import { observeEndpoints } from './observe/endpoints.ts';
import { Health } from './observe/health.ts';
import { healthRoutes } from './observe/health-handlers.ts';
import type { Logger } from './observe/logger.ts';
import { queryHandlers, queryRoutes } from './query/query-handlers.ts';
import { restQueries } from './query/rest.ts';

const dayMs = 86_400_000;
/** Larger unary batches travel with the streams, so that they do not delay small requests. */
const unaryRowsMax = 100;

/** The whole service: its parts, and the order in which they start and stop. */
export class Collector {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #registry = new Registry();
  readonly #health = new Health();
  readonly #shutdown = new AbortController();
  readonly #database: DatabaseService;
  readonly #spool: Spool;
  readonly #buffer: IngestBuffer;
  readonly #drain: Drain;
  readonly #server: SocketServer;

  private constructor(config: Config, logger: Logger, database: DatabaseService, spool: Spool) {
    this.#config = config;
    this.#logger = logger;
    this.#database = database;
    this.#spool = spool;
    collectDefaultMetrics({ register: this.#registry });
    const accounting = new Accounting(this.#registry);
    const writer = new Writer(database.writers);
    const commit = new GroupCommitter(writer, 'report').commit;
    const fallback = new CommitOrSpool(commit, spool, config.commitMsMax, logger);
    this.#buffer = createBuffer(config, fallback.store, accounting);
    const drainCommit = new GroupCommitter(writer, 'dead-letter').commit;
    this.#drain = new Drain(spool, drainCommit, fallback, config, accounting, logger);
    this.#measureBuffer();
    const deadLetters = new DeadLetters(database.upkeepDb, writer, this.#registry);
    const ingest = new Ingest(this.#buffer, ingestOptions(config), accounting);
    this.#server = this.#createServer(ingest, accounting, deadLetters);
  }

  /** Starts the service; resolves when it accepts connections, which may be before it is ready. */
  static async start(config: Config, logger: Logger): Promise<Collector> {
    const spool = await Spool.open({
      directory: join(config.dataDirectory, 'spool'),
      bytesMax: config.spoolBytesMax,
      diskReserveBytes: config.diskReserveBytes,
    });
    let database: DatabaseService | undefined;
    try {
      database = await DatabaseService.open(config, logger);
      const collector = new Collector(config, logger, database, spool);
      await collector.#listen();
      return collector;
    } catch (error) {
      await database?.close();
      await spool.close();
      throw error;
    }
  }

  /** Where it listens. */
  port = 0;

  /** Resolves when the database answers and its schema is up to date. */
  async untilReady(): Promise<void> {
    while (!this.#health.readiness.ready) await sleep(20);
  }

  /**
   * Stops accepting, lets calls under way finish, makes durable what is buffered, and lets go of
   * the database (section 6 of docs/specs/buffer.md); after the deadline it waits for nothing but
   * the embedded server's own shutdown.
   */
  async stop(): Promise<void> {
    const deadline = AbortSignal.timeout(this.#config.shutdownMsMax);
    this.#logger.info('stopping');
    this.#health.report('shutdown', 'in progress');
    this.#shutdown.abort();
    await this.#server.stop(deadline);
    await Promise.race([this.#buffer.close(), untilAborted(deadline)]);
    if (this.#buffer.depth > 0) {
      this.#logger.error(
        { batches: this.#buffer.depth },
        'stopped with batches that nobody was told are stored',
      );
    }
    await Promise.race([this.#drain.stop(), untilAborted(deadline)]);
    await this.#spool.close();
    await this.#database.close();
    this.#logger.info('stopped');
  }

  async #listen(): Promise<void> {
    this.port = await this.#server.listen();
    this.#logger.info({ host: this.#config.host, port: this.port }, 'listening');
    this.#database.prepare(this.#health, this.#registry);
    this.#drain.start();
  }

  #createServer(ingest: Ingest, accounting: Accounting, deadLetters: DeadLetters): SocketServer {
    const { config, logger, health } = {
      config: this.#config,
      logger: this.#logger,
      health: this.#health,
    };
    const shutdown = this.#shutdown.signal;
    const queries = queryHandlers(this.#database.reader);
    const depth = () => this.#buffer.depth;
    const listener = httpRoutes({
      routes: (router) => {
        ingestRoutes(router, ingest, { inFlightMax: config.streamBatchesMax, shutdown });
        queryRoutes(router, queries);
        deadLetterRoutes(router, deadLetters);
        healthRoutes(
          router,
          health,
          [IngestService, QueryService, DeadLetterService].map((service) => service.typeName),
          shutdown,
        );
      },
      endpoints: new Map([
        ...observeEndpoints(health, this.#registry, depth, sendJson),
        ...restQueries(queries, sendJson),
      ]),
      interceptors: [errorInterceptor(logger)],
      messageBytesMax: config.messageBytesMax,
      jsonValuesMax: config.jsonValuesMax,
      calls: config,
      onStringsChanged: (strings) => accounting.madeStorable(strings),
      onError: (error) => logger.error({ err: error }, 'unexpected error'),
    });
    return new SocketServer(
      {
        ...config,
        peekMsMax: config.headerMsMax,
        streamsPerConnectionMax: config.connectionCallsMax,
      },
      listener,
      logger,
    );
  }

  #measureBuffer(): void {
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read());
        },
      });
    gauge('telemetry_buffer_batches', 'Batches held in memory.', () => this.#buffer.depth);
    gauge(
      'telemetry_buffer_bytes',
      'Bytes of encoded rows held in memory.',
      () => this.#buffer.bytes,
    );
    gauge('telemetry_spool_bytes', 'Bytes of the spool on disk.', () => this.#spool.bytes);
  }
}

function createBuffer(config: Config, store: CommitGroup, accounting: Accounting): IngestBuffer {
  const group = {
    groupRowsMax: config.groupRowsMax,
    groupBytesMax: config.groupBytesMax,
    groupAgeMsMax: config.groupAgeMsMax,
  };
  const unaryBytes = config.bufferBytesMax / 4;
  return new IngestBuffer(
    {
      unary: { ...group, writers: 1, budgetBytes: unaryBytes },
      stream: {
        ...group,
        writers: config.writers,
        budgetBytes: config.bufferBytesMax - unaryBytes,
      },
    },
    store,
    accounting,
  );
}

function ingestOptions(config: Config) {
  return {
    eventTime: {
      ageMsMax: config.eventAgeDaysMax * dayMs,
      aheadMsMax: config.eventAheadMinutesMax * 60_000,
    },
    batchIdTime: { ageMsMax: batchIdAgeMsMax, aheadMsMax: batchIdAheadMsMax },
    batchRowsMax: config.batchRowsMax,
    unaryMsMax: config.unaryMsMax,
    unaryRowsMax,
  };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
