/** Settings of PostgreSQL, by name. */
export type Settings = Readonly<Record<string, string | number>>;

/** What every transaction of one pool sets. */
export interface TransactionSettings {
  readonly access: 'read write' | 'read only';
  /** How long things may take, and how durable they are. */
  readonly limits: Settings;
  /** What the address of the database asks for by `options`, such as a search path. */
  readonly asked: Settings;
  /** Whether the server is the embedded one, between which and us there is no pooler. */
  readonly isOurs: boolean;
}

/** A peer that has died must not keep its claims on batch ids, nor its locks. */
const keepalives = {
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
} as const satisfies Settings;

/** For commits. Durability is not left to the server's defaults. */
export const writerLimits = {
  synchronous_commit: 'on',
  // On a cluster a COPY would have a connection, and a prepared transaction, for each shard; plain
  // PostgreSQL takes the name for that of an extension to come.
  'citus.multi_shard_modify_mode': 'sequential',
  statement_timeout: 30_000,
  lock_timeout: 25_000,
  idle_in_transaction_session_timeout: 10_000,
  ...keepalives,
} as const satisfies Settings;

/** For queries, beside the time that they may take. */
export const readerLimits = {
  // On a cluster each question would connect to workers anew, but for one connection to each.
  'citus.max_cached_conns_per_worker': 4,
  lock_timeout: 5000,
  idle_in_transaction_session_timeout: 10_000,
  ...keepalives,
} as const satisfies Settings;

/** For what is asked and told so often that it had better be left than be late. */
export const gossipLimits = {
  statement_timeout: 2000,
  lock_timeout: 1000,
  idle_in_transaction_session_timeout: 5000,
  ...keepalives,
} as const satisfies Settings;

/** For looks at what was committed, one after the other. */
export const tailLimits = {
  statement_timeout: 5000,
  lock_timeout: 1000,
  idle_in_transaction_session_timeout: 5000,
  ...keepalives,
} as const satisfies Settings;

/** For the schema, the copying of older rows, and what operators do. */
export const upkeepLimits = {
  synchronous_commit: 'on',
  statement_timeout: 900_000,
  lock_timeout: 60_000,
  idle_in_transaction_session_timeout: 60_000,
  ...keepalives,
} as const satisfies Settings;

/** How values travel as text and what statements mean, for those that are not binary COPY. */
const language = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: 1,
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  row_security: 'on',
  // The catalogue would name columns and types otherwise than we know them.
  quote_all_identifiers: 'off',
} as const satisfies Settings;

/** The first version that can end a transaction for its age. */
const transactionTimeoutSince = 17;

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

const assignments = (settings: Settings, scope: 'local' | 'session' = 'local'): string[] =>
  Object.entries(settings).map(([name, value]) => {
    const shown = name === 'search_path' ? path(String(value)) : quoted(String(value));
    return `set ${scope} ${name} = ${shown}`;
  });

/** A list; somebody's temporary tables, which would come first unasked, come last. */
const path = (value: string): string =>
  [...value.split(',').map((schema) => schema.trim().replaceAll('"', '')), 'pg_temp']
    .map(quoted)
    .join(', ');

/**
 * The statements by which transactions begin. A role, a database, or whoever had a connection of a
 * pooler before may have set anything: what a transaction needs is set inside of it, and ends with
 * it. Values are the same on every connection, apart from what a server's version does not know.
 */
export class TransactionStart {
  readonly #modes: string;
  /** For COPY, and with what other statements need beside. */
  readonly #settings: string;
  readonly #allSettings: string;
  /** What a session can keep for all its transactions; undefined: nothing. */
  readonly session: string | undefined;

  constructor({ access, limits, asked, isOurs }: TransactionSettings, serverMajor: number) {
    // READ COMMITTED sees what others commit while it waits for a lock.
    this.#modes = `isolation level read committed, ${access}`;
    const settings = {
      ...(serverMajor >= transactionTimeoutSince && { transaction_timeout: 0 }),
      ...limits,
      ...asked,
    };
    this.#settings = [
      // Back to what role and database say, unless the address knows better.
      'set local role to default',
      'set local search_path to default',
      ...assignments(settings),
    ].join(';');
    this.#allSettings = [this.#settings, ...assignments(language)].join(';');
    if (isOurs) this.session = assignments(settings, 'session').join(';');
  }

  /** In place of `BEGIN`; later modes overrule ours. */
  begin(furtherModes = ''): string {
    const modes = [this.#modes, furtherModes].filter(Boolean).join(', ');
    return `start transaction ${modes};${this.#allSettings}`;
  }

  /**
   * Before statements of binary COPY in the same simple query, whose data follows at once. Nothing
   * can fail before the transaction has begun: PgBouncer hands the server on as soon as no
   * transaction is open, in the middle of a message, whose rest then reaches somebody else's.
   */
  get beforeCopy(): string {
    return `begin;set transaction ${this.#modes};${this.#settings}`;
  }

  /** The same where the session keeps its settings. */
  get beginInSession(): string {
    return `begin ${this.#modes}`;
  }
}
