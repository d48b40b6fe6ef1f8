import type { BeforeSend } from './before-send.ts';
import { readToken, readUrl } from './option-checks.ts';

/** Where the client says what it can't say otherwise; `console` and pino fit. */
export interface ClientLogger {
  info(message: string): void;
  warn(message: string): void;
}

/** Options of a client. Those with an environment variable are read with the first record. */
export interface TelemetryOptions {
  /** Where the service is: `TELEMETRY_URL`, otherwise `http://localhost:8002`. */
  readonly url?: string | undefined;
  /** Take records at all: `TELEMETRY_ENABLED` (`false`, `0`, `no`, `off` disable), otherwise true. */
  readonly enabled?: boolean | undefined;
  /** A bearer token: `TELEMETRY_TOKEN`. It is never logged. */
  readonly token?: string | undefined;
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** `TELEMETRY_SERVICE_NAME` or `OTEL_SERVICE_NAME`. With it records carry `metadata.resource`. */
  readonly serviceName?: string | undefined;
  /** Further attributes of `metadata.resource`. */
  readonly resource?: object | undefined;
  /** `TELEMETRY_TRANSPORT`: `http` (default) or, in Node, `grpc` for high volume. */
  readonly transport?: 'http' | 'grpc' | undefined;
  /**
   * `TELEMETRY_FALLBACK`: what takes batches that can't be delivered. `spool` (default in Node),
   * `stdout`, `logging` or `none`; browsers have the last two, and `none` by default.
   */
  readonly fallback?: Fallbacks | undefined;
  /** `TELEMETRY_SPOOL_DIRECTORY`, otherwise below the user's state directory. */
  readonly spoolDirectory?: string | undefined;
  /** Authorities for the service's certificate, in PEM: `TELEMETRY_CA_FILE`. In Node. */
  readonly caFile?: string | undefined;
  /** The client's own certificate, in PEM: `TELEMETRY_CLIENT_CERT_FILE`. In Node. */
  readonly clientCertFile?: string | undefined;
  /** Its key, where that is not in the same file: `TELEMETRY_CLIENT_KEY_FILE`. In Node. */
  readonly clientKeyFile?: string | undefined;
  /** 100 MiB. */
  readonly spoolBytesMax?: number | undefined;
  /** Records that may wait: 50,000. */
  readonly queueEventsMax?: number | undefined;
  /** Records of a batch: 1,000. */
  readonly batchEventsMax?: number | undefined;
  /** Encoded size of a batch: 512 KiB. */
  readonly batchBytesMax?: number | undefined;
  /** How long a record waits for others: 200. */
  readonly batchAgeMsMax?: number | undefined;
  /** How long `close` and the end of the process wait, in seconds: 2. */
  readonly closeTimeoutS?: number | undefined;
  /** For redaction: gets each record before it becomes part of a batch, and gives the one to send. */
  readonly beforeSend?: BeforeSend | undefined;
  /** Where the client warns, once a minute at most: `console`. */
  readonly logger?: ClientLogger | undefined;
}

export const fallbacks = ['spool', 'stdout', 'logging', 'none'] as const;
export type Fallbacks = (typeof fallbacks)[number];

/** Options after defaults and environment. */
export interface Settings {
  readonly url: string;
  readonly enabled: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string | undefined;
  readonly resource: object | undefined;
  readonly transport: 'http' | 'grpc';
  readonly fallback: Fallbacks;
  /** Absent: the platform knows a place. */
  readonly spoolDirectory: string | undefined;
  readonly caFile: string | undefined;
  readonly clientCertFile: string | undefined;
  readonly clientKeyFile: string | undefined;
  readonly spoolBytesMax: number;
  readonly queueEventsMax: number;
  readonly batchEventsMax: number;
  readonly batchBytesMax: number;
  readonly batchAgeMsMax: number;
  readonly closeTimeoutS: number;
  readonly beforeSend: BeforeSend | undefined;
  readonly logger: ClientLogger;
}

type Environment = Readonly<Record<string, string | undefined>>;

const disabling = ['false', '0', 'no', 'off'];
const enabling = ['true', '1', 'yes', 'on'];

/**
 * `options` are checked. A mistake in the environment must not stop the application: it is said
 * through `warn`, and counts as not given; a wrong URL is an outage.
 */
export function settle(
  options: TelemetryOptions,
  env: Environment,
  fallback: Fallbacks,
  warn: (message: string) => void = () => {},
): Settings {
  const given = new Given(env, warn);
  const token = options.token ?? given.read('TELEMETRY_TOKEN', readToken);
  return {
    url: options.url ?? given.url() ?? 'http://localhost:8002',
    enabled: options.enabled ?? given.enabled() ?? true,
    headers: { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) },
    serviceName:
      options.serviceName ??
      given.text('TELEMETRY_SERVICE_NAME') ??
      given.text('OTEL_SERVICE_NAME'),
    resource: options.resource,
    transport: options.transport ?? given.oneOf('TELEMETRY_TRANSPORT', ['http', 'grpc']) ?? 'http',
    fallback: options.fallback ?? given.oneOf('TELEMETRY_FALLBACK', fallbacks) ?? fallback,
    spoolDirectory: options.spoolDirectory ?? given.text('TELEMETRY_SPOOL_DIRECTORY'),
    caFile: options.caFile ?? given.text('TELEMETRY_CA_FILE'),
    clientCertFile: options.clientCertFile ?? given.text('TELEMETRY_CLIENT_CERT_FILE'),
    clientKeyFile: options.clientKeyFile ?? given.text('TELEMETRY_CLIENT_KEY_FILE'),
    spoolBytesMax: options.spoolBytesMax ?? 100 * 1024 * 1024,
    queueEventsMax: options.queueEventsMax ?? 50_000,
    batchEventsMax: options.batchEventsMax ?? 1000,
    batchBytesMax: options.batchBytesMax ?? 512 * 1024,
    batchAgeMsMax: options.batchAgeMsMax ?? 200,
    closeTimeoutS: options.closeTimeoutS ?? 2,
    beforeSend: options.beforeSend,
    logger: options.logger ?? console,
  };
}

/** What the environment says, without white space around it. */
class Given {
  readonly #env: Environment;
  readonly #warn: (message: string) => void;

  constructor(env: Environment, warn: (message: string) => void) {
    this.#env = env;
    this.#warn = warn;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T | undefined {
    const given = this.text(name)?.toLowerCase();
    const found = known.find((each) => each === given);
    if (given && !found) this.#warn(`${name} must be one of ${known.join(', ')}`);
    return found;
  }

  read(name: string, read: (text: string) => string): string | undefined {
    const given = this.text(name);
    if (given === undefined) return undefined;
    try {
      return read(given);
    } catch (reason) {
      this.#warn(`${name} ${reason}`);
      return undefined;
    }
  }

  enabled(): boolean | undefined {
    const given = this.oneOf('TELEMETRY_ENABLED', [...disabling, ...enabling]);
    return given === undefined ? undefined : enabling.includes(given);
  }

  /** A wrong one is an outage: elsewhere is not where these records belong. */
  url(): string | undefined {
    return this.read('TELEMETRY_URL', readUrl) ?? this.text('TELEMETRY_URL');
  }
}
