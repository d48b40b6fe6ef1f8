import { homedir } from 'node:os';
import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { errorMessage, StartError } from './errors.ts';
import { parseAddress } from './postgres/address.ts';
import { dayMs, mebibyte } from './units.ts';

/** One option: by environment variable, by flag, or by its default. */
interface Option<Schema extends z.ZodType> {
  readonly env: string;
  readonly flag: string;
  readonly schema: Schema;
  readonly default: string | ((env: Environment) => string);
  /** What it is, with its unit. */
  readonly description: string;
  readonly secret?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const option = <Schema extends z.ZodType>(definition: Option<Schema>): Option<Schema> => definition;

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `expects a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine(
      (value) => value >= min && value <= max,
      `expects a whole number from ${min} to ${max}`,
    );

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `expects one of ${values.join(', ')}` });

const fileOrNone = z.string().regex(/^$|^\//, 'expects an absolute path');

/** What browsers call the origin of a page, such as https://telemetry.example:8443. */
const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+\/?$/i;

const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .transform((listed) => listed.filter((origin) => origin !== ''))
  .refine(
    (listed) => listed.every((each) => /^(\*|null)$/.test(each) || originPattern.test(each)),
    'expects * or origins such as https://dashboard.example, apart by commas',
  )
  .transform((listed) => listed.map(originAsSent));
const scopeNames = ['ingest', 'query', 'admin'] as const;

/** `auto`, `none`, or some of the scopes. */
function scopeList() {
  const isScope = (text: string) => scopeNames.some((name) => name === text);
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine(
      (parts) =>
        parts.every(isScope) || (parts.length === 1 && ['auto', 'none'].includes(parts[0] ?? '')),
      'expects auto, none, or a list of ingest, query and admin',
    )
    .transform((parts) =>
      parts[0] === 'auto' ? ('auto' as const) : scopeNames.filter((name) => parts.includes(name)),
    );
}

/** Every option there is; docs/configuration.md lists the same. */
export const options = {
  host: option({
    env: 'TELEMETRY_HOST',
    flag: '--host <address>',
    schema: z.string().min(1, 'expects an address or host name'),
    default: '127.0.0.1',
    description: 'address to listen on; 0.0.0.0 for all',
  }),
  port: option({
    env: 'TELEMETRY_PORT',
    flag: '--port <number>',
    schema: wholeNumber(0, 65_535),
    default: '8002',
    description: 'port for all protocols; 0 for any free one',
  }),
  databaseUrl: option({
    env: 'DATABASE_URL',
    flag: '--database-url <url>',
    schema: z
      .string()
      .regex(
        /^$|^postgres(ql)?:\/\//,
        'expects a URL such as postgresql://user:password@host:5432/database',
      )
      .superRefine((url, { addIssue }) => {
        try {
          if (url !== '') parseAddress(url);
        } catch (error) {
          addIssue(`it ${errorMessage(error)}`);
        }
      }),
    default: '',
    description: 'URL of a PostgreSQL 15 to 18; empty: an embedded server is started',
    secret: true,
  }),
  dataDirectory: option({
    env: 'TELEMETRY_DATA_DIR',
    flag: '--data-dir <path>',
    schema: z.string().startsWith('/', 'expects an absolute path'),
    default: defaultDataDirectory,
    description: 'absolute path of the directory of the spool and of the embedded PostgreSQL',
  }),
  apiKeys: option({
    env: 'TELEMETRY_API_KEYS',
    flag: '--api-keys <list>',
    schema: z.string().regex(/^$|\S\s+\S+\s+\S/, 'expects keys such as app ingest,query <secret>'),
    default: '',
    description: 'API keys, separated by semicolons: name, scopes and secret of each',
    secret: true,
  }),
  apiKeysFile: option({
    env: 'TELEMETRY_API_KEYS_FILE',
    flag: '--api-keys-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'absolute path of a file with such keys, one a line, which is read again when it changes',
  }),
  anonymousScopes: option({
    env: 'TELEMETRY_ANONYMOUS_SCOPES',
    flag: '--anonymous-scopes <list>',
    schema: scopeList(),
    default: 'auto',
    description:
      'what everybody may do without a key; auto: everything as long as there is no key and it listens on loopback only',
  }),
  failedAttemptsMax: option({
    env: 'TELEMETRY_FAILED_ATTEMPTS_MAX',
    flag: '--failed-attempts-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '200',
    description: 'wrong keys a minute from one address that are answered as such',
  }),
  logLevel: option({
    env: 'TELEMETRY_LOG_LEVEL',
    flag: '--log-level <level>',
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    description: 'least severity that is logged: trace, debug, info, warn, error, fatal or silent',
  }),
  logFormat: option({
    env: 'TELEMETRY_LOG_FORMAT',
    flag: '--log-format <format>',
    schema: oneOf(['auto', 'json', 'pretty']),
    default: 'auto',
    description: 'json, pretty, or auto: pretty in a terminal and json elsewhere',
  }),
  writers: option({
    env: 'TELEMETRY_WRITERS',
    flag: '--writers <number>',
    schema: wholeNumber(1, 16),
    default: '2',
    description: 'database connections that write streamed batches; unary requests have one more',
  }),
  groupRowsMax: option({
    env: 'TELEMETRY_GROUP_ROWS_MAX',
    flag: '--group-rows-max <rows>',
    schema: wholeNumber(1, 100_000),
    default: '10000',
    description: 'most rows that are committed together, unless one batch has more',
  }),
  groupBytesMax: option({
    env: 'TELEMETRY_GROUP_BYTES_MAX',
    flag: '--group-bytes-max <bytes>',
    schema: wholeNumber(1024, 256 * mebibyte),
    default: String(8 * mebibyte),
    description:
      'most bytes of encoded rows that are committed together, unless one batch has more',
  }),
  groupAgeMsMax: option({
    env: 'TELEMETRY_GROUP_AGE_MS_MAX',
    flag: '--group-age-ms-max <ms>',
    // A unary request must be able to wait for so long and still be stored in time.
    schema: wholeNumber(0, 500),
    default: '5',
    description: 'how long a group that is not full waits for more streamed batches',
  }),
  bufferBytesMax: option({
    env: 'TELEMETRY_BUFFER_BYTES_MAX',
    flag: '--buffer-bytes-max <bytes>',
    schema: wholeNumber(mebibyte, 4096 * mebibyte),
    default: String(64 * mebibyte),
    description: 'bytes of encoded rows held in memory; a quarter of it is kept for unary requests',
  }),
  messageBytesMax: option({
    env: 'TELEMETRY_MESSAGE_BYTES_MAX',
    flag: '--message-bytes-max <bytes>',
    schema: wholeNumber(1024, 64 * mebibyte),
    // Twice as much, of the smallest records there are, is more objects than the heap has room for.
    default: String(2 * mebibyte),
    description: 'bytes of one message, after decompression',
  }),
  jsonValuesMax: option({
    env: 'TELEMETRY_JSON_VALUES_MAX',
    flag: '--json-values-max <number>',
    schema: wholeNumber(100, 10_000_000),
    default: '150000',
    description: 'numbers, strings, lists and so on in one message of JSON to a query',
  }),
  batchRowsMax: option({
    env: 'TELEMETRY_BATCH_ROWS_MAX',
    flag: '--batch-rows-max <rows>',
    schema: wholeNumber(1, 100_000),
    default: '10000',
    description: 'events and usage records in one batch',
  }),
  streamBatchesMax: option({
    env: 'TELEMETRY_STREAM_BATCHES_MAX',
    flag: '--stream-batches-max <batches>',
    schema: wholeNumber(1, 10_000),
    default: '64',
    description: 'batches of one stream that are not acknowledged yet',
  }),
  connectionsMax: option({
    env: 'TELEMETRY_CONNECTIONS_MAX',
    flag: '--connections-max <number>',
    schema: wholeNumber(1, 100_000),
    default: '2000',
    description: 'connections of clients at a time',
  }),
  connectionCallsMax: option({
    env: 'TELEMETRY_CONNECTION_CALLS_MAX',
    flag: '--connection-calls-max <number>',
    schema: wholeNumber(1, 10_000),
    default: '256',
    description: 'calls in progress on one HTTP/2 connection',
  }),
  callsMax: option({
    env: 'TELEMETRY_CALLS_MAX',
    flag: '--calls-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '4000',
    description: 'calls in progress, streams among them',
  }),
  streamsMax: option({
    env: 'TELEMETRY_STREAMS_MAX',
    flag: '--streams-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '1000',
    description: 'streams open at a time',
  }),
  receiveBytesMax: option({
    env: 'TELEMETRY_RECEIVE_BYTES_MAX',
    flag: '--receive-bytes-max <bytes>',
    schema: wholeNumber(1024, 4096 * mebibyte),
    default: String(64 * mebibyte),
    description: 'bytes held of messages that are being received, as they travel',
  }),
  headerBytesMax: option({
    env: 'TELEMETRY_HEADER_BYTES_MAX',
    flag: '--header-bytes-max <bytes>',
    schema: wholeNumber(1024, mebibyte),
    default: '16384',
    description: 'size of the header of a request',
  }),
  headerMsMax: option({
    env: 'TELEMETRY_HEADER_MS_MAX',
    flag: '--header-ms-max <ms>',
    schema: wholeNumber(100, 600_000),
    default: '10000',
    description:
      'how long the header of a request may take, the first bytes of a connection, and a handshake',
  }),
  requestMsMax: option({
    env: 'TELEMETRY_REQUEST_MS_MAX',
    flag: '--request-ms-max <ms>',
    schema: wholeNumber(100, 3_600_000),
    default: '30000',
    description: 'how long the request of a unary call may take to arrive',
  }),
  idleMsMax: option({
    env: 'TELEMETRY_IDLE_MS_MAX',
    flag: '--idle-ms-max <ms>',
    schema: wholeNumber(100, dayMs),
    default: '120000',
    description: 'a connection without a call is closed after so long',
  }),
  streamIdleMsMax: option({
    env: 'TELEMETRY_STREAM_IDLE_MS_MAX',
    flag: '--stream-idle-ms-max <ms>',
    schema: wholeNumber(100, dayMs),
    default: '300000',
    description: 'a stream whose client sends no message for so long is ended',
  }),
  connectionMsMax: option({
    env: 'TELEMETRY_CONNECTION_MS_MAX',
    flag: '--connection-ms-max <ms>',
    schema: wholeNumber(0, dayMs),
    default: '0',
    description:
      'how long a connection lasts before its client is told to make a new one, and a stream at the most; 0: for ever',
  }),
  streamMsMax: option({
    env: 'TELEMETRY_STREAM_MS_MAX',
    flag: '--stream-ms-max <ms>',
    schema: wholeNumber(100, 2_000_000_000),
    default: '86400000',
    description: 'how long a stream may last',
  }),
  resetsMax: option({
    env: 'TELEMETRY_RESETS_MAX',
    flag: '--resets-max <number>',
    schema: wholeNumber(30, 1_000_000),
    default: '1000',
    description:
      'calls that one HTTP/2 connection may cancel at once; after that a thirtieth of it a second',
  }),
  tlsCertFile: option({
    env: 'TELEMETRY_TLS_CERT_FILE',
    flag: '--tls-cert-file <path>',
    schema: fileOrNone,
    default: '',
    description: 'certificate in PEM, with those between it and its authority; empty: no TLS',
  }),
  tlsKeyFile: option({
    env: 'TELEMETRY_TLS_KEY_FILE',
    flag: '--tls-key-file <path>',
    schema: fileOrNone,
    default: '',
    description: 'its private key in PEM',
  }),
  tlsKeyPassword: option({
    env: 'TELEMETRY_TLS_KEY_PASSWORD',
    flag: '--tls-key-password <text>',
    schema: z.string().max(1024, 'expects a text of at most 1024 characters'),
    default: '',
    description: 'password of an encrypted key',
    secret: true,
  }),
  tlsClientCaFile: option({
    env: 'TELEMETRY_TLS_CLIENT_CA_FILE',
    flag: '--tls-client-ca-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'authorities in PEM for certificates of clients; empty: clients are asked for none',
  }),
  tlsClientAuth: option({
    env: 'TELEMETRY_TLS_CLIENT_AUTH',
    flag: '--tls-client-auth <mode>',
    schema: oneOf(['require', 'optional']),
    default: 'require',
    description: 'whether clients need a certificate by these; one by others is refused anyway',
  }),
  tlsMinVersion: option({
    env: 'TELEMETRY_TLS_MIN_VERSION',
    flag: '--tls-min-version <version>',
    schema: oneOf(['1.2', '1.3']),
    default: '1.2',
    description: 'least version of TLS',
  }),
  tlsPlainText: option({
    env: 'TELEMETRY_TLS_PLAIN_TEXT',
    flag: '--tls-plain-text <mode>',
    schema: oneOf(['refuse', 'allow']),
    default: 'refuse',
    description: 'what becomes of plain text on the port that has TLS',
  }),
  corsOrigins: option({
    env: 'TELEMETRY_CORS_ORIGINS',
    flag: '--cors-origins <list>',
    schema: origins,
    default: '',
    description:
      'origins of other sites whose pages may send and read, apart by commas; * for all; empty: none',
  }),
  unaryMsMax: option({
    env: 'TELEMETRY_UNARY_MS_MAX',
    flag: '--unary-ms-max <ms>',
    schema: wholeNumber(10, 60_000),
    default: '900',
    description: 'a unary request is answered within so long: stored, or refused as retryable',
  }),
  commitMsMax: option({
    env: 'TELEMETRY_COMMIT_MS_MAX',
    flag: '--commit-ms-max <ms>',
    schema: wholeNumber(10, 60_000),
    default: '400',
    description:
      'a commit of single posts that takes longer is left behind, and its batches are spooled',
  }),
  streamCommitMsMax: option({
    env: 'TELEMETRY_STREAM_COMMIT_MS_MAX',
    flag: '--stream-commit-ms-max <ms>',
    schema: wholeNumber(10, 60_000),
    default: '2000',
    description: 'the same for streamed batches and for unary ones of more than 100 records',
  }),
  spoolBytesMax: option({
    env: 'TELEMETRY_SPOOL_BYTES_MAX',
    flag: '--spool-bytes-max <bytes>',
    schema: wholeNumber(0, 1024 * 1024 * mebibyte),
    default: String(8192 * mebibyte),
    description: 'size of the spool on the local disk',
  }),
  diskReserveBytes: option({
    env: 'TELEMETRY_DISK_RESERVE_BYTES',
    flag: '--disk-reserve-bytes <bytes>',
    schema: wholeNumber(0, 1024 * 1024 * mebibyte),
    default: String(512 * mebibyte),
    description: 'free disk below which nothing is taken: it is left to PostgreSQL',
  }),
  eventAgeDaysMax: option({
    env: 'TELEMETRY_EVENT_AGE_DAYS_MAX',
    flag: '--event-age-days-max <days>',
    schema: wholeNumber(1, 365),
    default: '30',
    description: 'how old the timestamp of a record may be',
  }),
  eventAheadMinutesMax: option({
    env: 'TELEMETRY_EVENT_AHEAD_MINUTES_MAX',
    flag: '--event-ahead-minutes-max <minutes>',
    schema: wholeNumber(1, 1440),
    default: '60',
    description: 'how far the timestamp of a record may lie ahead of our clock',
  }),
  partitionDaysAhead: option({
    env: 'TELEMETRY_PARTITION_DAYS_AHEAD',
    flag: '--partition-days-ahead <days>',
    schema: wholeNumber(2, 366),
    default: '2',
    description: 'for how many days there are partitions beforehand',
  }),
  queryConnectionsMax: option({
    env: 'TELEMETRY_QUERY_CONNECTIONS_MAX',
    flag: '--query-connections-max <number>',
    schema: wholeNumber(1, 64),
    default: '4',
    description: 'database connections for queries',
  }),
  queryMsMax: option({
    env: 'TELEMETRY_QUERY_MS_MAX',
    flag: '--query-ms-max <ms>',
    schema: wholeNumber(100, 600_000),
    default: '15000',
    description: 'how long the database may take over one query',
  }),
  rollupSeriesMax: option({
    env: 'TELEMETRY_ROLLUP_SERIES_MAX',
    flag: '--rollup-series-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '50000',
    description:
      'combinations of event type, component and status that are rolled up by themselves; what comes after is rolled up as the rest',
  }),
  legacyTimeZone: option({
    env: 'TELEMETRY_LEGACY_TIME_ZONE',
    flag: '--legacy-time-zone <name>',
    schema: z.string().refine(isTimeZone, 'expects a time zone such as UTC or Europe/Berlin'),
    default: 'UTC',
    description:
      'time zone in which the times of older tables are read when their rows are adopted',
  }),
  pricesFile: option({
    env: 'TELEMETRY_PRICES_FILE',
    flag: '--prices-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'JSON file of your own prices, which go before the list; read again when it changes',
  }),
  shutdownDelayMs: option({
    env: 'TELEMETRY_SHUTDOWN_DELAY_MS',
    flag: '--shutdown-delay-ms <ms>',
    schema: wholeNumber(0, 60_000),
    default: '0',
    description:
      'how long a collector that stops goes on serving, not ready any more, so that proxies notice',
  }),
  shutdownMsMax: option({
    env: 'TELEMETRY_SHUTDOWN_MS_MAX',
    flag: '--shutdown-ms-max <ms>',
    schema: wholeNumber(100, 600_000),
    // `docker stop` gives ten seconds.
    default: '8000',
    description:
      'how long stopping may take in all: calls under way, commits, the embedded PostgreSQL',
  }),
} as const;

export type OptionName = keyof typeof options;
export type Config = { readonly [Name in OptionName]: z.output<(typeof options)[Name]['schema']> };

export const optionNames = Object.keys(options) as OptionName[];

/** A wrong option: says which, where it came from, and what it expects. */
export class ConfigError extends StartError {}

/** Reads every option: a flag goes before the environment, which goes before the default. */
export function readConfig(env: Environment, flags: Environment): Config {
  const entries = optionNames.map((name) => {
    const definition = options[name];
    const { schema, env: variable, default: otherwise } = definition;
    const fallback = typeof otherwise === 'function' ? otherwise(env) : otherwise;
    const text = flags[name] ?? env[variable] ?? fallback;
    const result = schema.safeParse(text);
    if (result.success) return [name, result.data];
    const where = flags[name] === undefined ? variable : definition.flag.split(' ')[0];
    const shown = 'secret' in definition ? 'its value' : JSON.stringify(text);
    throw new ConfigError(`${where}: ${shown} is not valid: ${result.error.issues[0]?.message}`);
  });
  return Object.fromEntries(entries) as Config;
}

/** Of the client libraries, which may run beside the collector with the same environment. */
const clientVariables = [
  'TELEMETRY_URL',
  'TELEMETRY_ENABLED',
  'TELEMETRY_TOKEN',
  'TELEMETRY_SERVICE_NAME',
  'TELEMETRY_TRANSPORT',
  'TELEMETRY_FALLBACK',
  'TELEMETRY_SPOOL_DIRECTORY',
  'TELEMETRY_CA_FILE',
  'TELEMETRY_CLIENT_CERT_FILE',
  'TELEMETRY_CLIENT_KEY_FILE',
];

/** Variables that look like options and are none, each with the known one that is spelt most alike. */
export function strayVariables(env: Environment): { variable: string; nearest: string }[] {
  const known = [...optionNames.map((name) => options[name].env), ...clientVariables];
  return Object.keys(env)
    .filter((variable) => /^TELEMETRY_/i.test(variable) && !known.includes(variable))
    .map((variable) => ({ variable, nearest: closest(variable.toUpperCase(), known) }));
}

/** The configuration as it may be logged. */
export function withoutSecrets(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      const secret = 'secret' in options[name as OptionName] && value !== '';
      return [name, secret ? '(secret)' : value];
    }),
  );
}

/** By name: PostgreSQL takes numbers too, but counts them the other way round. */
function isTimeZone(name: string): boolean {
  try {
    return (
      /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
    );
  } catch {
    return false;
  }
}

/** Browsers leave out the port that a scheme has anyway, and write in lower case. */
function originAsSent(text: string): string {
  return /^https?:/i.test(text) ? new URL(text).origin : text.replace(/\/$/, '').toLowerCase();
}

function defaultDataDirectory(env: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/gravitas-telemetry';
  const base = env.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return join(base, 'gravitas-telemetry');
}
