import { LineFallback, NoFallback } from '../fallback.ts';
import { HttpTransport } from '../http-transport.ts';
import { oneOf } from '../option-checks.ts';
import type { Platform, Poster } from '../platform.ts';
import { beforeEnd } from './end.ts';
import { fetchPost, fetchStream, gzip } from './fetch-post.ts';

const fetchPoster: Poster = {
  post: fetchPost(false),
  stream: fetchStream,
  close: () => {},
};

export const browserPlatform: Platform = {
  environment: () => ({ TELEMETRY_URL: globalThis.location?.origin }),
  fallback: 'none',
  checks: { fallback: oneOf('logging', 'none'), transport: oneOf('http') },
  host: () => globalThis.location?.hostname ?? 'browser',
  resource: () => ({ 'host.name': globalThis.location?.hostname ?? 'browser' }),
  createTransport: ({ url, headers }) =>
    new HttpTransport({ url, headers, poster: fetchPoster, gzip }),
  createFallback: (settings, tally) =>
    settings.fallback === 'logging'
      ? new LineFallback((line) => settings.logger.info(line.trimEnd()), tally)
      : new NoFallback(tally),
  createPoster: () => fetchPoster,
  beforeEnd,
  breathe: () => new Promise((resolve) => setTimeout(resolve, 0)),
};
