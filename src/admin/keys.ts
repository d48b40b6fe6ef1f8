import type { Kysely } from 'kysely';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Database } from '../database/schema.ts';
import { errorMessage, StartError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { pause } from '../pause.ts';
import { minuteMs } from '../units.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { parseKeys, readKeyFile } from './given-keys.ts';
import type { Key } from './key.ts';
import { KeyCopy } from './key-copy.ts';
import { measureKeys } from './key-metrics.ts';
import { KeyRing } from './key-ring.ts';
import { type KeyTable, keyTableOf, noteUses, readKeys, restoreKeys } from './key-store.ts';
import { isLoopback } from './loopback.ts';
import { QuotaExchange } from './quota-exchange.ts';

/** How often the keys are looked at again: a revocation holds everywhere within five seconds. */
const tickMs = 1000;
const noteUsesEveryMs = minuteMs;

/**
 * The keys of all places: the environment, a file, and the database, with a copy on disk for when it
 * is away. Keeps the ring up to date.
 */
export class Keys {
  readonly ring: KeyRing;
  readonly #config: Config;
  readonly #db: Kysely<Database>;
  readonly #logger: Logger;
  readonly #copy: KeyCopy;
  readonly #exchange: QuotaExchange;
  readonly #stop = new AbortController();
  readonly #ofEnvironment: readonly Key[];
  #ofFile: readonly Key[];
  #ofDatabase: readonly Key[] | undefined;
  /** The table that those were in. */
  #table: KeyTable | undefined;
  #noted = new Map<string, number>();
  #notedAt = 0;
  #running: Promise<unknown> = Promise.resolve();

  /** `db`: which nothing else delays. Throws a `StartError` for keys that can't be read. */
  constructor(config: Config, db: Kysely<Database>, registry: Registry, logger: Logger) {
    this.#config = config;
    this.#db = db;
    this.#logger = logger;
    this.#ofEnvironment = parseKeys(config.apiKeys, 'environment', 'TELEMETRY_API_KEYS');
    this.#ofFile = this.#readFile();
    this.#copy = new KeyCopy(config.dataDirectory);
    const copied = this.#copy.read();
    this.#ofDatabase = copied?.keys;
    this.#table = copied?.table;
    const rule = { scopes: config.anonymousScopes, isLoopback: isLoopback(config.host) };
    const attempts = new FailedAttempts(config.failedAttemptsMax, logger);
    this.ring = new KeyRing(rule, attempts, config);
    this.#exchange = new QuotaExchange(db, this.ring);
    if (this.#ofDatabase || this.#given.length > 0) this.#replace();
    measureKeys(this.ring, registry);
  }

  /**
   * Asks the database for its keys before anybody can call, where nothing is known of them. Throws a
   * `StartError` where this collector would be open to other machines, and nobody could say who
   * calls. `mayAnswer`: whether there is a database that can be asked already.
   */
  async beforeListening(mayAnswer: boolean, willAnswer: boolean): Promise<void> {
    if (mayAnswer && !this.#ofDatabase) await this.refresh().catch(() => {});
    const isCertain = this.#ofDatabase !== undefined || !willAnswer;
    if (isCertain) this.#refuseIfExposed();
  }

  /** The same when the database answers; where it stops to, nobody is let in until it does again. */
  async whenReady(): Promise<void> {
    await this.refresh().catch(() => {});
    if (this.#ofDatabase) this.#refuseIfExposed();
  }

  #refuseIfExposed(): void {
    const { anonymousScopes, host } = this.#config;
    if (anonymousScopes !== 'auto' || isLoopback(host) || this.ring.hasHadKeys) return;
    throw new StartError(
      `TELEMETRY_HOST: ${host} can be reached from other machines, and there is no key: make one with "gravitas-telemetry keys create", or say in TELEMETRY_ANONYMOUS_SCOPES what everybody may do without one`,
    );
  }

  start(): void {
    this.#running = Promise.all([this.#watch(), this.#watchExpiry()]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Learns what has changed in the database; throws what it says. */
  readonly refresh = async (): Promise<void> => {
    const table = await keyTableOf(this.#db);
    if (table) {
      await this.#restoreTo(table);
      this.#ofDatabase = await readKeys(this.#db);
      this.#table = table;
    } else this.#ofDatabase ??= [];
    this.#replace();
    await this.#copy.write(this.#ofDatabase, this.#table);
  };

  /** A table that somebody dropped revokes nothing: what it held is put into the one made anew. */
  async #restoreTo({ database, table }: KeyTable): Promise<void> {
    const known = this.#ofDatabase ?? [];
    const isSuccessor = this.#table?.database === database && this.#table.table !== table;
    if (!isSuccessor || known.length === 0) return;
    await restoreKeys(this.#db, known);
    this.#logger.warn({ keys: known.length }, 'the table of keys was lost: they are put back');
  }

  /** Looks at the file now, and at the database where that answers. */
  async reload(): Promise<void> {
    this.#rereadFile();
    await this.refresh().catch((error) => this.#logger.debug({ err: error }, 'keys'));
  }

  get #given(): readonly Key[] {
    return [...this.#ofEnvironment, ...this.#ofFile];
  }

  #replace(): void {
    this.ring.replace([...this.#given, ...(this.#ofDatabase ?? [])]);
  }

  async #watch(): Promise<void> {
    let failure: string | undefined;
    while (!this.#stop.signal.aborted) {
      this.#rereadFile();
      try {
        await this.refresh();
        await this.#noteUses();
        await this.#exchange.run();
        failure = undefined;
      } catch (error) {
        if (failure !== errorMessage(error)) this.#logger.debug({ err: error }, 'keys');
        failure = errorMessage(error);
      }
      await pause(tickMs, this.#stop.signal);
    }
  }

  /** However long the database takes. */
  async #watchExpiry(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await pause(tickMs, this.#stop.signal);
      this.ring.endStreams();
      this.#exchange.measure();
    }
  }

  /** What is wrong with it later on changes nothing. */
  #rereadFile(): void {
    if (this.#config.apiKeysFile === '') return;
    try {
      const keys = this.#readFile();
      if (JSON.stringify(keys) === JSON.stringify(this.#ofFile)) return;
      this.#ofFile = keys;
      this.#logger.info({ keys: keys.length }, 'the file of keys has changed');
      this.#replace();
    } catch (error) {
      this.#logger.warn(`${errorMessage(error)}; the keys that it had are kept`);
    }
  }

  #readFile(): Key[] {
    const { apiKeysFile } = this.#config;
    return apiKeysFile === '' ? [] : readKeyFile(apiKeysFile);
  }

  async #noteUses(): Promise<void> {
    if (Date.now() - this.#notedAt < noteUsesEveryMs) return;
    const uses = [...this.ring.lastUses];
    const changed = uses.filter(([id, at]) => at.getTime() !== this.#noted.get(id));
    if (changed.length > 0) await noteUses(this.#db, new Map(changed));
    this.#noted = new Map(uses.map(([id, at]) => [id, at.getTime()]));
    this.#notedAt = Date.now();
  }
}
