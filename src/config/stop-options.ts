import { option, wholeNumber } from './option.ts';

/** How it stops. */
export const stopOptions = {
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
