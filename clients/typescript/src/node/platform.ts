import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Tally } from '../counters.ts';
import { type Fallback, LineFallback, NoFallback } from '../fallback.ts';
import { HttpTransport } from '../http-transport.ts';
import type { Notices } from '../notices.ts';
import { object, oneOf, path } from '../option-checks.ts';
import { fallbacks, type Settings, type TelemetryOptions } from '../options.ts';
import type { Platform } from '../platform.ts';
import type { Transport } from '../transport.ts';
import { beforeEnd } from './end.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { nodePoster } from './post.ts';
import { Spool } from './spool.ts';
import { type Tls, tlsOf } from './tls-files.ts';

/** A reader that takes nothing must not hold the application. */
const printMsMax = 100;

const gzipAsync = promisify(gzip);
/** The first level makes batches about as small as the others, for a fraction of their time. */
const compress = (bytes: Uint8Array) => gzipAsync(bytes, { level: constants.Z_BEST_SPEED });

export const nodePlatform: Platform = {
  environment: () => process.env,
  fallback: 'spool',
  checks: {
    fallback: oneOf(...fallbacks),
    tls: object,
    caFile: path,
    clientCertFile: path,
    clientKeyFile: path,
  },
  host: hostname,
  resource: () => ({ 'host.name': hostname(), 'process.pid': process.pid }),
  createTransport,
  createFallback,
  createPoster: (settings, options, isBackground) =>
    nodePoster(tlsOf(settings, options), isBackground),
  beforeEnd,
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
};

function createTransport(
  settings: Settings,
  options: TelemetryOptions,
  notices: Notices,
): Transport {
  const { url, headers } = settings;
  const tls = tlsOf(settings, options);
  if (settings.transport === 'http') return createHttpTransport(settings, tls);
  const instead = (reason: string) => {
    notices.warn(`${reason}; HTTP is used`);
    return createHttpTransport(settings, tls);
  };
  return new GrpcTransport({ url, headers, tls, instead });
}

function createHttpTransport({ url, headers }: Settings, tls: Tls): Transport {
  const poster = nodePoster(tls, true);
  return new HttpTransport({ url, headers, poster, gzip: compress });
}

function createFallback(settings: Settings, tally: Tally, notices: Notices): Fallback {
  switch (settings.fallback) {
    case 'spool':
      return new Spool(settings, tally, notices);
    case 'stdout':
      return new LineFallback(printLine, tally);
    case 'logging':
      return new LineFallback((line) => settings.logger.info(line.trimEnd()), tally);
    case 'none':
      return new NoFallback(tally);
  }
}

/** Whole, and never into a stream that an application has closed: that throws, and is counted. */
function printLine(line: string): void {
  const bytes = Buffer.from(line);
  const endMs = performance.now() + printMsMax;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      // A pipe whose reader is slow is full for a moment.
      const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (!isFull || performance.now() > endMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
