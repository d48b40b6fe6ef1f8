import type { Config } from '../config.ts';
import { mebibyte } from '../units.ts';

/**
 * What all processes have together, with the least that each of them needs. What is of the machine,
 * of one message, connection or group, or a time, is the same for all.
 */
const leastShares = {
  memoryBytesMax: 64 * mebibyte,
  writers: 1,
  queryConnectionsMax: 1,
  bufferBytesMax: mebibyte,
  receiveBytesMax: 1024,
  spoolBytesMax: 0,
  connectionsMax: 1,
  callsMax: 1,
  streamsMax: 1,
  tailsMax: 1,
  failedAttemptsMax: 1,
} as const satisfies Partial<Record<keyof Config, number>>;

/** Of the time that stopping may take: the supervisor stops last, and the embedded PostgreSQL with it. */
const stopShare = ({ databaseUrl }: Config): number => (databaseUrl === '' ? 0.75 : 0.9);

/** The part that one process of several has of it; what does not divide evenly goes to the first ones. */
export function shareOf(config: Config, number: number): Config {
  const { processes } = config;
  if (processes === 1) return config;
  const shares = Object.entries(leastShares).map(([name, least]) => {
    const total = config[name as keyof typeof leastShares];
    const part = Math.floor(total / processes) + (number <= total % processes ? 1 : 0);
    // Nothing stays nothing.
    return [name, total === 0 ? 0 : Math.max(least, part)];
  });
  const shutdownMsMax = Math.floor(config.shutdownMsMax * stopShare(config));
  return { ...config, ...Object.fromEntries(shares), shutdownMsMax };
}
