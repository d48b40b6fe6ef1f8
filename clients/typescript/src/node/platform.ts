import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Tally } from '../counters.ts';
import { type Fallback, LineFallback, NoFallback } from '../fallback.ts';
import { HttpTransport } from '../http-transport.ts';
import type { Notices } from '../notices.ts';
import type { Settings } from '../options.ts';
import type { Platform } from '../platform.ts';
import type { Transport } from '../transport.ts';
import { beforeEnd } from './end.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { nodePost } from './post.ts';
import { Spool } from './spool.ts';

const gzipAsync = promisify(gzip);
/** The first level makes batches about as small as the others, for a fraction of their time. */
const compress = (bytes: Uint8Array) => gzipAsync(bytes, { level: constants.Z_BEST_SPEED });

export function nodePlatform(tls: ConnectionOptions | undefined): Platform {
  return {
    environment: () => process.env,
    fallback: 'spool',
    host: hostname,
    resource: () => ({ 'host.name': hostname(), 'process.pid': process.pid }),
    createTransport: (settings) => createTransport(settings, tls),
    createFallback,
    createPost: () => nodePost(tls, false).post,
    beforeEnd,
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

function createTransport(settings: Settings, tls: ConnectionOptions | undefined): Transport {
  const { url, headers } = settings;
  if (settings.transport === 'grpc') return new GrpcTransport({ url, headers, tls });
  const { post, close } = nodePost(tls, true);
  const transport = new HttpTransport({ url, headers, post, gzip: compress });
  transport.close = close;
  return transport;
}

function createFallback(settings: Settings, tally: Tally, notices: Notices): Fallback {
  switch (settings.fallback) {
    case 'spool':
      return new Spool(settings, tally, notices);
    case 'stdout':
      return new LineFallback((line) => writeSync(1, line), tally);
    case 'logging':
      return new LineFallback((line) => settings.logger.info(line.trimEnd()), tally);
    case 'none':
      return new NoFallback(tally);
  }
}
