import { LineFallback, NoFallback } from '../fallback.ts';
import { HttpTransport } from '../http-transport.ts';
import type { Platform } from '../platform.ts';
import { beforeEnd } from './end.ts';
import { fetchPost, gzip } from './fetch-post.ts';

export const browserPlatform: Platform = {
  environment: () => ({ TELEMETRY_URL: globalThis.location?.origin }),
  fallback: 'none',
  host: () => globalThis.location?.hostname ?? 'browser',
  resource: () => ({ 'host.name': globalThis.location?.hostname ?? 'browser' }),
  createTransport: ({ url, headers }) =>
    new HttpTransport({ url, headers, post: fetchPost(false), gzip }),
  createFallback: (settings, tally) =>
    settings.fallback === 'logging'
      ? new LineFallback((line) => settings.logger.info(line.trimEnd()), tally)
      : new NoFallback(tally),
  createPost: () => fetchPost(false),
  beforeEnd,
  breathe: () => new Promise((resolve) => setTimeout(resolve, 0)),
};
