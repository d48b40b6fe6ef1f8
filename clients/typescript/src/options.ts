import type { JsonObject } from '@bufbuild/protobuf';

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
  readonly resource?: JsonObject | undefined;
  /** `TELEMETRY_TRANSPORT`: `http` (default) or, in Node, `grpc` for high volume. */
  readonly transport?: 'http' | 'grpc' | undefined;
  /**
   * `TELEMETRY_FALLBACK`: what takes batches that can't be delivered. `spool` (default in Node),
   * `stdout`, `logging` or `none`; browsers have the last two, and `none` by default.
   */
  readonly fallback?: Fallbacks | undefined;
  /** `TELEMETRY_SPOOL_DIRECTORY`, otherwise below the user's state directory. */
  readonly spoolDirectory?: string | undefined;
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
  /** Where the client warns, once a minute at most: `console`. */
  readonly logger?: ClientLogger | undefined;
}

export type Fallbacks = 'spool' | 'stdout' | 'logging' | 'none';

/** Options after defaults and environment. */
export interface Settings {
  readonly url: string;
  readonly enabled: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string | undefined;
  readonly resource: JsonObject | undefined;
  readonly transport: 'http' | 'grpc';
  readonly fallback: Fallbacks;
  /** Absent: the platform knows a place. */
  readonly spoolDirectory: string | undefined;
  readonly spoolBytesMax: number;
  readonly queueEventsMax: number;
  readonly batchEventsMax: number;
  readonly batchBytesMax: number;
  readonly batchAgeMsMax: number;
  readonly closeTimeoutS: number;
  readonly logger: ClientLogger;
}

type Environment = Readonly<Record<string, string | undefined>>;

const disabling = ['false', '0', 'no', 'off'];

export function settle(options: TelemetryOptions, env: Environment, fallback: Fallbacks): Settings {
  const { token = env.TELEMETRY_TOKEN } = options;
  return {
    url: (options.url ?? (env.TELEMETRY_URL || 'http://localhost:8002')).replace(/\/+$/, ''),
    enabled:
      options.enabled ?? !disabling.includes((env.TELEMETRY_ENABLED ?? '').trim().toLowerCase()),
    headers: { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) },
    serviceName: options.serviceName ?? (env.TELEMETRY_SERVICE_NAME || env.OTEL_SERVICE_NAME),
    resource: options.resource,
    transport: options.transport ?? oneOf(env.TELEMETRY_TRANSPORT, ['http', 'grpc']) ?? 'http',
    fallback:
      options.fallback ??
      oneOf(env.TELEMETRY_FALLBACK, ['spool', 'stdout', 'logging', 'none']) ??
      fallback,
    spoolDirectory: options.spoolDirectory ?? (env.TELEMETRY_SPOOL_DIRECTORY || undefined),
    spoolBytesMax: options.spoolBytesMax ?? 100 * 1024 * 1024,
    queueEventsMax: options.queueEventsMax ?? 50_000,
    batchEventsMax: options.batchEventsMax ?? 1000,
    batchBytesMax: options.batchBytesMax ?? 512 * 1024,
    batchAgeMsMax: options.batchAgeMsMax ?? 200,
    closeTimeoutS: options.closeTimeoutS ?? 2,
    logger: options.logger ?? console,
  };
}

/** A mistake in the environment must not stop the application: it counts as not given. */
function oneOf<T extends string>(given: string | undefined, known: readonly T[]): T | undefined {
  return known.find((each) => each === given);
}
